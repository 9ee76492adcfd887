"""Reports of incidents are documents too: the guard of published versions knows their kinds."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "guards" / "incident_reports.sql"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0007_jurisdictions")]

    operations = [migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop)]
