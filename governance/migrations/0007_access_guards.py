"""What is used or revoked stays so, by the database too; an address belongs to one account."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "access.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_second_factors_and_doors")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
