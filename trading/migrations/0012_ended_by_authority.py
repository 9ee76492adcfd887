"""What two people end names the proposal that allowed it; requests of the way before are a history; no consumer kept its progress."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "ended_by_authority.sql"


class Migration(migrations.Migration):
    dependencies = [("trading", "0011_progress_of_consumers")]

    operations = [
        migrations.AddField(
            model_name="tradingcontrol",
            name="authorised_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=64, verbose_name="what allowed the end of a kill"
            ),
        ),
        migrations.AddField(
            model_name="lock",
            name="authorised_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=64, verbose_name="what allowed lifting it"
            ),
        ),
        migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop),
        migrations.DeleteModel(name="EventProgress"),
    ]
