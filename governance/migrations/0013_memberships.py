"""A guardian stays one without their membership."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "memberships.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_accounts_and_keys")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
