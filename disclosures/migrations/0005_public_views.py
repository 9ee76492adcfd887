"""The public view of volume follows the publication policy."""

from pathlib import Path

from django.db import migrations

VIEWS = Path(__file__).resolve().parent.parent / "guards" / "public_views.sql"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0004_publication_policy")]

    operations = [migrations.RunSQL([VIEWS.read_text()], reverse_sql=migrations.RunSQL.noop)]
