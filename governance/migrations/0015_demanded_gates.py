"""The database's guards know the gates that a market demands as words of its row; the SQL stands in governance/guards."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "demanded_gates.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0014_document_rules"), ("trading", "0017_demanded_gates")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
