"""A sample of each market a minute, and the marks of minutes that changed."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


SQL = Path(__file__).resolve().parent.parent / "sql" / "minute_changes.sql"


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0013_limits_and_registry_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='MarketSample',
            fields=[
                ('depth_05_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 05 bid quote')),
                ('depth_05_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 05 ask quote')),
                ('depth_05_our_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 05 our bid quote')),
                ('depth_05_our_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 05 our ask quote')),
                ('depth_1_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 1 bid quote')),
                ('depth_1_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 1 ask quote')),
                ('depth_1_our_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 1 our bid quote')),
                ('depth_1_our_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 1 our ask quote')),
                ('depth_2_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 2 bid quote')),
                ('depth_2_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 2 ask quote')),
                ('depth_2_our_bid_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 2 our bid quote')),
                ('depth_2_our_ask_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='depth 2 our ask quote')),
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('minute', models.DateTimeField(verbose_name='minute')),
                ('sampled_at', models.DateTimeField(verbose_name='sampled at')),
                ('state', models.CharField(max_length=8, verbose_name='trading state')),
                ('regime', models.CharField(blank=True, default='', max_length=8, verbose_name='volatility regime')),
                ('sigma_per_sqrt_s', models.DecimalField(decimal_places=12, max_digits=20, null=True, verbose_name='sigma, relative, per square root of a second')),
                ('reference_price', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name='reference price')),
                ('reference_source', models.CharField(blank=True, default='', max_length=16, verbose_name='source of the reference price')),
                ('market_spread_bps', models.DecimalField(decimal_places=4, max_digits=14, null=True, verbose_name="market's spread (bps)")),
                ('our_spread_bps', models.DecimalField(decimal_places=4, max_digits=14, null=True, verbose_name='our spread with both sides resting (bps)')),
                ('depth_is_complete', models.BooleanField(default=False, help_text='Else depth is at least what is told.', verbose_name='the venue tells its book over all bands')),
                ('market_volume_quote', models.DecimalField(decimal_places=18, max_digits=38, null=True, verbose_name="market's volume in the minute (quote)")),
            ],
            options={
                'verbose_name': 'sample of a market',
                'verbose_name_plural': 'samples of markets',
                'db_table': 'market_samples',
            },
        ),
        migrations.CreateModel(
            name='MinuteChange',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('minute', models.DateTimeField(verbose_name='minute')),
                ('source', models.CharField(choices=[('fill', 'fill'), ('fee', 'fee told later'), ('movement', 'movement of cash'), ('cycles', 'quoting cycles'), ('sample', 'sample'), ('recompute', 'recomputed on request')], max_length=9, verbose_name='what changed')),
            ],
            options={
                'verbose_name': 'changed minute',
                'verbose_name_plural': 'changed minutes',
                'db_table': 'minute_changes',
            },
        ),
        migrations.AddIndex(
            model_name='cashmovement',
            index=models.Index(condition=models.Q(('kind__in', ['deposit', 'withdrawal', 'funding', 'rebate', 'adjustment']), ('market__isnull', False)), fields=['market', 'executed_at'], name='cash_beside_fills'),
        ),
        migrations.AddField(
            model_name='marketsample',
            name='market',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.market'),
        ),
        migrations.AddField(
            model_name='minutechange',
            name='market',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.market'),
        ),
        migrations.AddConstraint(
            model_name='marketsample',
            constraint=models.UniqueConstraint(fields=('market', 'minute'), name='market_sample_once'),
        ),
        migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
