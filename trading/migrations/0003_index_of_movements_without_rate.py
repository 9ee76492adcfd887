"""Movements that wait for a rate are found without reading all movements."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_roles_and_guards")]
    operations = [
        migrations.AddIndex(
            model_name="cashmovement",
            index=models.Index(
                condition=models.Q(("market__isnull", False), ("rate__isnull", True)),
                fields=["market"],
                name="cash_without_rate",
            ),
        ),
    ]
