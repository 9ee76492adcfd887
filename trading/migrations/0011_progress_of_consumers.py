"""How far each consumer of events has come, per aggregate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0010_reconciliation_in_windows")]

    operations = [
        migrations.CreateModel(
            "EventProgress",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("consumer", models.CharField("consumer", max_length=48)),
                ("aggregate", models.CharField("aggregate", max_length=96)),
                ("aggregate_seq", models.BigIntegerField("number within the aggregate")),
            ],
            options={
                "db_table": "event_progress",
                "verbose_name": "progress of a consumer",
                "verbose_name_plural": "progress of consumers",
                "constraints": [models.UniqueConstraint(fields=("consumer", "aggregate"), name="event_progress_once")],
            },
        ),
    ]
