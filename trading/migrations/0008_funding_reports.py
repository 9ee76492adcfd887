"""Reports of the hourly comparison of funding payments, append-only."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "perpetuals.sql"


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0007_perpetuals'),
    ]

    operations = [
        migrations.CreateModel(
            name='FundingReport',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('equal', models.BooleanField(verbose_name='equal')),
                ('payments', models.PositiveIntegerField(verbose_name='payments at the venue')),
                ('booked_now', models.PositiveIntegerField(verbose_name='payments that were missing here and are booked now')),
                ('differences', models.JSONField(verbose_name='differences')),
                ('duration_ms', models.FloatField(verbose_name='duration in ms')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.venueaccount')),
            ],
            options={
                'verbose_name': 'funding report',
                'verbose_name_plural': 'funding reports',
                'db_table': 'funding_reports',
            },
        ),
        migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
