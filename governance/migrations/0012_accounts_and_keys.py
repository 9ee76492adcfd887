"""Accounts are closed as a proposal says, and votes may need a security key; the SQL stands in governance/guards."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "accounts.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0011_limits_and_registry")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
