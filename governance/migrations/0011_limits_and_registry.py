"""Limits of assets and desk and rows of the registry change as an approved proposal says; the SQL stands in governance/guards."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "limits_and_registry.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0010_guards_of_controls"), ("trading", "0013_limits_and_registry_versions")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
