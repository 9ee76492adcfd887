"""The database's own guards; the SQL stands in governance/guards."""

from pathlib import Path

from django.db import migrations

GUARDS = Path(__file__).resolve().parent.parent / "guards"
FILES = ("time_and_policy.sql", "proposals.sql", "parameters.sql", "people.sql")


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0004_genesis_and_risk_directions"),
        ("trading", "0011_progress_of_consumers"),
    ]
    operations = [
        migrations.RunSQL([(GUARDS / name).read_text()], reverse_sql=migrations.RunSQL.noop) for name in FILES
    ]
