"""How far transfers were compared, and indexes that keep a comparison's cost independent of the account's age."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0009_public_schema")]

    operations = [
        migrations.AddField(
            "reconciliationreport",
            "transfers_watermark",
            models.CharField("watermark of transfers", max_length=120, blank=True, default=""),
        ),
        migrations.AddIndex(
            "reconciliationreport", models.Index(fields=["account", "-at"], name="reconciliations_by_account")
        ),
        migrations.AddIndex(
            "cashmovement",
            models.Index(
                fields=["account", "executed_at"],
                name="cash_transfers_by_time",
                condition=models.Q(kind__in=["deposit", "withdrawal"]),
            ),
        ),
    ]
