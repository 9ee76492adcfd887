"""Limits of assets and desk have versions with a history; rows of the registry have versions."""

import django.db.models.functions.datetime
import django.utils.timezone
import simple_history.models
from decimal import Decimal
from django.db import migrations, models


# What stands becomes version 1, of the time at which it got its number.
KEEP_FIRST_VERSIONS = """
INSERT INTO exposure_limits_history
    (id, scope, key, soft_limit, hard_limit, version, reason, authorised_by, actor_id, actor_name, applied_at,
     history_date, history_change_reason, history_type, history_user_id)
SELECT id, scope, key, soft_limit, hard_limit, version, reason, authorised_by, actor_id, actor_name, applied_at,
       applied_at, NULL, '+', actor_name
FROM exposure_limits
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0012_ended_by_authority'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalExposureLimit',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('scope', models.CharField(choices=[('asset', 'asset'), ('desk', 'desk')], max_length=8, verbose_name='scope')),
                ('key', models.CharField(max_length=32, verbose_name="asset id, or the desk's quote asset")),
                ('soft_limit', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='soft limit')),
                ('hard_limit', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='hard limit')),
                ('version', models.PositiveIntegerField(db_default=1, default=1, verbose_name='version')),
                ('reason', models.TextField(db_default='genesis', default='genesis', verbose_name='reason')),
                ('authorised_by', models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by')),
                ('actor_id', models.CharField(db_default='bootstrap', default='bootstrap', max_length=64, verbose_name='actor id')),
                ('actor_name', models.CharField(db_default='bootstrap', default='bootstrap', max_length=150, verbose_name='actor')),
                ('applied_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, verbose_name='applied at')),
                ('history_user_id', models.CharField(max_length=150, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical exposure limit',
                'verbose_name_plural': 'historical exposure limits',
                'db_table': 'exposure_limits_history',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RemoveConstraint(
            model_name='exposurelimit',
            name='exposure_limit_ordered',
        ),
        migrations.AddField(
            model_name='asset',
            name='authorised_by',
            field=models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by'),
        ),
        migrations.AddField(
            model_name='asset',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name='version'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='actor_id',
            field=models.CharField(db_default='bootstrap', default='bootstrap', max_length=64, verbose_name='actor id'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='actor_name',
            field=models.CharField(db_default='bootstrap', default='bootstrap', max_length=150, verbose_name='actor'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='applied_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, verbose_name='applied at'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='authorised_by',
            field=models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='reason',
            field=models.TextField(db_default='genesis', default='genesis', verbose_name='reason'),
        ),
        migrations.AddField(
            model_name='exposurelimit',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name='version'),
        ),
        migrations.AddField(
            model_name='market',
            name='authorised_by',
            field=models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by'),
        ),
        migrations.AddField(
            model_name='market',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name='version'),
        ),
        migrations.AddField(
            model_name='venue',
            name='authorised_by',
            field=models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by'),
        ),
        migrations.AddField(
            model_name='venue',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name='version'),
        ),
        migrations.AddField(
            model_name='venueaccount',
            name='authorised_by',
            field=models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by'),
        ),
        migrations.AddField(
            model_name='venueaccount',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name='version'),
        ),
        migrations.AlterField(
            model_name='exposurelimit',
            name='hard_limit',
            field=models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='hard limit'),
        ),
        migrations.AlterField(
            model_name='exposurelimit',
            name='soft_limit',
            field=models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='soft limit'),
        ),
        migrations.AddConstraint(
            model_name='exposurelimit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('hard_limit__isnull', True), ('soft_limit__isnull', True)), models.Q(('hard_limit__gte', models.F('soft_limit')), ('hard_limit__isnull', False), ('hard_limit__lte', Decimal('1000000000000')), ('soft_limit__gt', 0), ('soft_limit__isnull', False)), _connector='OR'), name='exposure_limit_ordered'),
        ),
        migrations.RunSQL(KEEP_FIRST_VERSIONS, reverse_sql=migrations.RunSQL.noop),
    ]
