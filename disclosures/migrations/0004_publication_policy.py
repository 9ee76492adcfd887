"""The policy of publication: its versions, the first of them, and the database's guard."""

from pathlib import Path

from django.db import migrations, models
from django.utils import timezone

GUARD = Path(__file__).resolve().parent.parent / "guards" / "publication.sql"
# What was published before there was a policy (SPEC 7).
FIRST = {
    "version": 1,
    "delay_s": 60,
    "inventory_step_share": "0.05",
    "pnl_granularity_days": 1,
    "quote_granularity_s": 0,
    "reason": "The granularity that the portal starts with.",
    "authorised_by": "genesis",
    "actor_id": "migration",
    "actor_name": "migration",
}


def write_first(apps, schema_editor):
    apps.get_model("disclosures", "PublicationPolicy").objects.create(applied_at=timezone.now(), **FIRST)


class Migration(migrations.Migration):
    dependencies = [
        ("disclosures", "0003_document_guards"),
        ("governance", "0014_document_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name='PublicationPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(unique=True, verbose_name='version')),
                ('delay_s', models.PositiveIntegerField(verbose_name='inventory is told this late (s)')),
                ('inventory_step_share', models.DecimalField(decimal_places=4, max_digits=6, verbose_name='inventory is rounded to this fraction of the hard limit')),
                ('pnl_granularity_days', models.PositiveIntegerField(verbose_name='P&L is told by this many complete days')),
                ('quote_granularity_s', models.PositiveIntegerField(verbose_name='our quotes are told by this many seconds (0: live)')),
                ('reason', models.TextField(verbose_name='reason')),
                ('authorised_by', models.CharField(max_length=120, verbose_name='authorised by')),
                ('actor_id', models.CharField(max_length=64, verbose_name='actor id')),
                ('actor_name', models.CharField(max_length=150, verbose_name='actor')),
                ('applied_at', models.DateTimeField(verbose_name='applied at')),
            ],
            options={
                'verbose_name': 'publication policy',
                'verbose_name_plural': 'publication policies',
                'db_table': 'publication_policies',
                'constraints': [models.CheckConstraint(condition=models.Q(('delay_s__lte', 604800), ('inventory_step_share__gte', '0.001'), ('inventory_step_share__lte', 1), ('pnl_granularity_days__gte', 1), ('pnl_granularity_days__lte', 31), ('quote_granularity_s__lte', 86400)), name='publication_bounds')],
            },
        ),
        migrations.RunPython(write_first, migrations.RunPython.noop),
        migrations.RunSQL([GUARD.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
