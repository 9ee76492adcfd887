"""The treasury: wallets, balances, buybacks, rewards, and the database's guards of them."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from decimal import Decimal
from django.db import migrations, models


SQL = Path(__file__).resolve().parent.parent / "sql" / "treasury.sql"


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0014_market_samples'),
    ]

    operations = [
        migrations.CreateModel(
            name='RewardEpoch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(db_default=1, default=1, verbose_name='version')),
                ('authorised_by', models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by')),
                ('number', models.PositiveIntegerField(unique=True, verbose_name='number')),
                ('starts_at', models.DateTimeField(verbose_name='starts at')),
                ('ends_at', models.DateTimeField(verbose_name='ends at')),
                ('cap', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='cap')),
                ('budget', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='budget')),
                ('computed_at', models.DateTimeField(blank=True, null=True, verbose_name='computed at')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.asset')),
            ],
            options={
                'verbose_name': 'epoch of rewards',
                'verbose_name_plural': 'epochs of rewards',
                'db_table': 'reward_epochs',
            },
        ),
        migrations.CreateModel(
            name='RewardPayout',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('participant', models.CharField(max_length=68, verbose_name='participant (address)')),
                ('uptime_share', models.DecimalField(decimal_places=6, max_digits=7, verbose_name='uptime (share 0..1)')),
                ('depth_quote', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='mean depth (quote)')),
                ('tightness_share', models.DecimalField(decimal_places=6, max_digits=7, verbose_name='tightness (share 0..1)')),
                ('adverse_selection_quote', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='adverse selection (quote)')),
                ('score', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='score')),
                ('amount', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='amount')),
                ('paid_at', models.DateTimeField(verbose_name='paid at')),
                ('reference', models.CharField(max_length=120, verbose_name='transaction')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('epoch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='trading.rewardepoch')),
            ],
            options={
                'verbose_name': 'reward',
                'verbose_name_plural': 'rewards',
                'db_table': 'reward_payouts',
            },
        ),
        migrations.CreateModel(
            name='TreasuryDeclaration',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('is_demo', models.BooleanField(unique=True, verbose_name='made up for the demonstration')),
                ('declared_at', models.DateTimeField(verbose_name='declared at')),
            ],
            options={
                'verbose_name': 'declaration of the treasury',
                'verbose_name_plural': 'declarations of the treasury',
                'db_table': 'treasury_declaration',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='treasury_declared_once')],
            },
        ),
        migrations.CreateModel(
            name='TreasuryWallet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(db_default=1, default=1, verbose_name='version')),
                ('authorised_by', models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by')),
                ('slug', models.SlugField(max_length=48, unique=True)),
                ('label', models.CharField(max_length=80, verbose_name='label')),
                ('address', models.CharField(help_text='Raw form: workchain, colon, hash.', max_length=68, verbose_name='address')),
                ('network', models.CharField(choices=[('ton-mainnet', 'TON'), ('ton-testnet', 'TON test network'), ('demonstration', 'demonstration, on no chain')], max_length=16, verbose_name='network')),
                ('purpose', models.CharField(choices=[('reserve', 'reserve'), ('buybacks', 'buybacks'), ('rewards', 'rewards for liquidity')], max_length=16, verbose_name='purpose')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('registered_at', models.DateTimeField(verbose_name='registered at')),
                ('retired_at', models.DateTimeField(blank=True, null=True, verbose_name='retired at')),
            ],
            options={
                'verbose_name': 'wallet of the treasury',
                'verbose_name_plural': 'wallets of the treasury',
                'db_table': 'treasury_wallets',
                'constraints': [models.UniqueConstraint(fields=('network', 'address'), name='treasury_wallet_once'), models.CheckConstraint(condition=models.Q(('address__regex', '^(0|-1):[0-9a-f]{64}$')), name='treasury_wallet_raw_address'), models.CheckConstraint(condition=models.Q(models.Q(('is_demo', True), ('network', 'demonstration')), models.Q(('is_demo', False), models.Q(('network', 'demonstration'), _negated=True)), _connector='OR'), name='treasury_wallet_says_demo')],
            },
        ),
        migrations.CreateModel(
            name='TreasuryBalance',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('amount', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='amount')),
                ('observed_at', models.DateTimeField(verbose_name='observed at')),
                ('source', models.CharField(max_length=48, verbose_name='source')),
                ('block_seqno', models.BigIntegerField(blank=True, null=True, verbose_name='masterchain block')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.asset')),
                ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='balances', to='trading.treasurywallet')),
            ],
            options={
                'verbose_name': 'balance of the treasury',
                'verbose_name_plural': 'balances of the treasury',
                'db_table': 'treasury_balances',
            },
        ),
        migrations.CreateModel(
            name='BuybackProgramme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(db_default=1, default=1, verbose_name='version')),
                ('authorised_by', models.CharField(db_default='genesis', default='genesis', max_length=120, verbose_name='authorised by')),
                ('slug', models.SlugField(max_length=48, unique=True)),
                ('purpose', models.CharField(max_length=200, verbose_name='purpose')),
                ('execution_cap_quote', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='cap of one execution (quote)')),
                ('day_cap_quote', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='cap of any 24 hours (quote)')),
                ('total_cap_quote', models.DecimalField(decimal_places=18, max_digits=38, verbose_name='cap of the programme (quote)')),
                ('interval_s', models.PositiveIntegerField(verbose_name='least seconds between two executions')),
                ('volume_share', models.DecimalField(decimal_places=4, default=Decimal('0.25'), max_digits=5, verbose_name='largest share of the average daily volume')),
                ('status', models.CharField(choices=[('active', 'active'), ('paused', 'paused'), ('ended', 'ended')], max_length=8, verbose_name='status')),
                ('starts_at', models.DateTimeField(verbose_name='starts at')),
                ('ends_at', models.DateTimeField(verbose_name='ends at')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.market')),
                ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.treasurywallet')),
            ],
            options={
                'verbose_name': 'buyback programme',
                'verbose_name_plural': 'buyback programmes',
                'db_table': 'buyback_programmes',
            },
        ),
        migrations.CreateModel(
            name='Buyback',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(verbose_name='at')),
                ('outcome', models.CharField(choices=[('submitted', 'submitted'), ('executed', 'executed'), ('failed', 'nothing was bought'), ('skipped', 'skipped')], max_length=9, verbose_name='outcome')),
                ('reason', models.CharField(blank=True, default='', max_length=40, verbose_name='coded reason')),
                ('venue', models.CharField(max_length=32, verbose_name='venue')),
                ('reference_price', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True, verbose_name='independent reference price')),
                ('most_cost', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True, verbose_name='most that it may cost (quote)')),
                ('size', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True, verbose_name='bought (base)')),
                ('price', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True, verbose_name='average price')),
                ('cost', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True, verbose_name='paid, fees included (quote)')),
                ('reference', models.CharField(blank=True, default='', max_length=120, verbose_name='order or transaction')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled at')),
                ('is_demo', models.BooleanField(verbose_name='made up for the demonstration')),
                ('programme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='buybacks', to='trading.buybackprogramme')),
            ],
            options={
                'verbose_name': 'buyback',
                'verbose_name_plural': 'buybacks',
                'db_table': 'buybacks',
                'indexes': [models.Index(fields=['-at'], name='buybacks_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('most_cost__isnull', False), ('outcome', 'submitted'), ('reason', ''), ('reference_price__isnull', False), ('cost__isnull', True), ('price__isnull', True), ('settled_at__isnull', True), ('size__isnull', True)), models.Q(('most_cost__isnull', False), ('outcome', 'executed'), ('reason', ''), ('reference_price__isnull', False), ('cost__isnull', False), ('price__isnull', False), ('settled_at__isnull', False), ('size__isnull', False), ('cost__lte', models.F('most_cost')), ('price__lte', models.F('reference_price')), ('cost__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('size'), '*', models.F('price')), '*', models.Value(Decimal('0.999999'))), '-', models.Value(Decimal('0.000001')))), models.Q(('reference', ''), _negated=True)), models.Q(('outcome__in', ['failed', 'skipped']), ('settled_at__isnull', False), models.Q(('reason', ''), _negated=True), ('cost__isnull', True), ('price__isnull', True), ('size__isnull', True)), _connector='OR'), name='buyback_is_whole'), models.CheckConstraint(condition=models.Q(models.Q(('reference_price__isnull', True), models.Q(('reference_price__gt', 0), ('reference_price__lt', Decimal('10000000000000000000'))), _connector='OR'), models.Q(('most_cost__isnull', True), models.Q(('most_cost__gt', 0), ('most_cost__lt', Decimal('10000000000000000000'))), _connector='OR'), models.Q(('size__isnull', True), models.Q(('size__gt', 0), ('size__lt', Decimal('10000000000000000000'))), _connector='OR'), models.Q(('price__isnull', True), models.Q(('price__gt', 0), ('price__lt', Decimal('10000000000000000000'))), _connector='OR'), models.Q(('cost__isnull', True), models.Q(('cost__gt', 0), ('cost__lt', Decimal('10000000000000000000'))), _connector='OR')), name='buyback_amounts_are_numbers')],
            },
        ),
        migrations.AddConstraint(
            model_name='rewardepoch',
            constraint=models.CheckConstraint(condition=models.Q(('budget__gte', 0), ('cap__gt', 0), ('cap__lt', Decimal('10000000000000000000')), ('budget__lte', models.F('cap'))), name='reward_epoch_within_cap'),
        ),
        migrations.AddConstraint(
            model_name='rewardepoch',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='reward_epoch_period'),
        ),
        migrations.AddConstraint(
            model_name='rewardpayout',
            constraint=models.UniqueConstraint(fields=('epoch', 'participant'), name='reward_payout_once'),
        ),
        migrations.AddConstraint(
            model_name='rewardpayout',
            constraint=models.CheckConstraint(condition=models.Q(('adverse_selection_quote__gte', 0), ('amount__gt', 0), ('depth_quote__gte', 0), ('score__gt', 0), ('amount__lt', Decimal('10000000000000000000')), ('depth_quote__lt', Decimal('10000000000000000000')), ('score__lt', Decimal('10000000000000000000')), ('adverse_selection_quote__lt', Decimal('10000000000000000000')), ('uptime_share__gte', 0), ('uptime_share__lte', Decimal('1')), ('tightness_share__gte', 0), ('tightness_share__lte', Decimal('1'))), name='reward_payout_sound'),
        ),
        migrations.AddIndex(
            model_name='treasurybalance',
            index=models.Index(fields=['asset', '-observed_at'], name='treasury_balances_by_time'),
        ),
        migrations.AddConstraint(
            model_name='treasurybalance',
            constraint=models.UniqueConstraint(fields=('wallet', 'asset', 'observed_at'), name='treasury_balance_once'),
        ),
        migrations.AddConstraint(
            model_name='treasurybalance',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('amount__lt', Decimal('10000000000000000000'))), name='treasury_balance_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='buybackprogramme',
            constraint=models.CheckConstraint(condition=models.Q(('interval_s__gte', 14400)), name='buyback_programme_interval'),
        ),
        migrations.AddConstraint(
            model_name='buybackprogramme',
            constraint=models.CheckConstraint(condition=models.Q(('volume_share__gt', 0), ('volume_share__lte', Decimal('0.25'))), name='buyback_programme_volume'),
        ),
        migrations.AddConstraint(
            model_name='buybackprogramme',
            constraint=models.CheckConstraint(condition=models.Q(('execution_cap_quote__gt', 0), ('day_cap_quote__gte', models.F('execution_cap_quote')), ('total_cap_quote__gte', models.F('day_cap_quote')), ('total_cap_quote__lt', Decimal('10000000000000000000'))), name='buyback_programme_caps_ordered'),
        ),
        migrations.AddConstraint(
            model_name='buybackprogramme',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='buyback_programme_period'),
        ),
        migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
