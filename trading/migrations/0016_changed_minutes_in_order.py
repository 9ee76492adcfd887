"""Changed minutes stay cheap to take, oldest first, with thousands of them to be summed up again."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0015_treasury")]

    operations = [
        migrations.AddIndex(
            model_name="minutechange",
            index=models.Index(
                models.ExpressionWrapper(models.Q(("source", "recompute")), models.BooleanField()),
                "id",
                name="changes_in_order",
            ),
        ),
    ]
