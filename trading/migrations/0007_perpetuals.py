"""Markets may be linear perpetuals; a fill tells what the venue settled, a position what funding it received."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0006_risk_thresholds_and_sessions'),
    ]

    operations = [
        migrations.AddField(
            model_name='fill',
            name='realised_pnl',
            field=models.DecimalField(blank=True, decimal_places=18, help_text='Of a perpetual: what the venue paid for the part that closed. Empty for spot.', max_digits=38, null=True, verbose_name='settled by the venue (quote)'),
        ),
        migrations.AddField(
            model_name='market',
            name='contract_value',
            field=models.DecimalField(db_default=1, decimal_places=18, default=1, help_text='What one unit of size is worth on the venue; 1 for spot. All sizes here are base units.', max_digits=38, verbose_name='base units per contract'),
        ),
        migrations.AddField(
            model_name='market',
            name='instrument',
            field=models.CharField(choices=[('spot', 'spot'), ('linear_perpetual', 'linear perpetual')], db_default='spot', default='spot', max_length=16, verbose_name='instrument'),
        ),
        migrations.AddField(
            model_name='position',
            name='funding',
            field=models.DecimalField(db_default=0, decimal_places=18, default=0, max_digits=38, verbose_name='funding received (quote)'),
        ),
        migrations.AlterField(
            model_name='cashmovement',
            name='kind',
            field=models.CharField(choices=[('fill', 'fill'), ('fee', 'fee'), ('settlement', 'settled P&L of a perpetual'), ('deposit', 'deposit'), ('withdrawal', 'withdrawal'), ('funding', 'funding'), ('rebate', 'rebate'), ('adjustment', 'adjustment')], max_length=12, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='market',
            constraint=models.CheckConstraint(condition=models.Q(('contract_value__gt', 0)), name='market_contract_positive'),
        ),
        migrations.AddConstraint(
            model_name='market',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('instrument', 'spot'), _negated=True), ('contract_value', 1), _connector='OR'), name='market_spot_counts_base'),
        ),
    ]
