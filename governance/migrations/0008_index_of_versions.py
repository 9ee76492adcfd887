"""A market's versions by number and by time, newest first: what a change is judged against, however long the history grows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_access_guards"), ("trading", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX parameter_sets_history_versions ON parameter_sets_history (market_id, version DESC, history_id DESC)",
            reverse_sql="DROP INDEX parameter_sets_history_versions",
        ),
        migrations.RunSQL(
            "CREATE INDEX parameter_sets_history_times ON parameter_sets_history (market_id, applied_at DESC, version DESC)",
            reverse_sql="DROP INDEX parameter_sets_history_times",
        ),
    ]
