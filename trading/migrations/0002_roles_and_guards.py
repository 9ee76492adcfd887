"""Partitions, sequences, views and the triggers of tables of record; the SQL stands in trading/sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(name: str) -> migrations.RunSQL:
    return migrations.RunSQL([(SQL / name).read_text()], reverse_sql=migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]
    operations = [run("decisions.sql"), run("sequences_and_views.sql"), run("append_only.sql")]
