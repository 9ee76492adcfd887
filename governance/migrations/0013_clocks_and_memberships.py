"""A guardian stays one without their membership; requests and locks end by the database's clock."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "clocks_and_memberships.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0009_notifications")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
