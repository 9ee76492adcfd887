"""Markets name the gates that they demand, and the order gate asks them."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("trading", "0016_changed_minutes_in_order")]

    operations = [
        migrations.AddField(
            model_name="market",
            name="demanded_gates",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Names in order, with commas. While one of them is not open, the market only reduces.",
                max_length=120,
                verbose_name="gates it demands",
            ),
        ),
        migrations.AddConstraint(
            model_name="market",
            constraint=models.CheckConstraint(
                condition=models.Q(("demanded_gates__regex", "^((disclosures)(,(disclosures))*)?$")),
                name="market_demands_known_gates",
            ),
        ),
        migrations.RunSQL([(SQL / "demanded_gates.sql").read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
