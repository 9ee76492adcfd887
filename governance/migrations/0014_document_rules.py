"""Who decides about documents for the public, as the database's guards know it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "document_rules.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0013_memberships")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
