"""The database's own guards of what was published; the SQL stands in disclosures/guards."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "documents.sql"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0002_documents"), ("governance", "0014_document_rules")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
