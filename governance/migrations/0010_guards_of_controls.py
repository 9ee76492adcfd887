"""A kill, and a lock that one person may not lift, end only as an approved proposal says."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "controls.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0009_notifications"), ("trading", "0012_ended_by_authority")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
