"""Reports for the public, and the database's guard of what was published."""

from pathlib import Path

from django.db import migrations, models

GUARD = Path(__file__).resolve().parent.parent / "guards" / "reports.sql"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0005_public_views")]

    operations = [
        migrations.CreateModel(
            name="PublicReport",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("daily", "daily"), ("weekly", "weekly")], max_length=6, verbose_name="kind"
                    ),
                ),
                ("period_start", models.DateField(verbose_name="first day")),
                ("period_end", models.DateField(verbose_name="last day")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("content", models.TextField(verbose_name="content")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("publication_version", models.PositiveIntegerField(verbose_name="version of the publication policy")),
            ],
            options={
                "verbose_name": "report",
                "verbose_name_plural": "reports",
                "db_table": "public_reports",
                "indexes": [models.Index(fields=["-period_end", "kind"], name="public_reports_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "period_start"), name="public_report_once")
                ],
            },
        ),
        migrations.RunSQL([GUARD.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
