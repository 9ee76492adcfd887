"""The public aggregates in a schema of their own; partitions are made with row-level security on."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "public_schema.sql"


class Migration(migrations.Migration):
    dependencies = [("trading", "0008_funding_reports")]
    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
