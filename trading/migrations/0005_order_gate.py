"""The gate of order sending as a function of the database, so that its plan is kept."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "gate.sql"


class Migration(migrations.Migration):
    dependencies = [("trading", "0004_requests_to_resume")]

    operations = [
        migrations.RunSQL(
            SQL.read_text(),
            "DROP FUNCTION order_gate(text, text, bigint, bigint, integer, text, timestamptz, jsonb, text[], text[])",
        )
    ]
