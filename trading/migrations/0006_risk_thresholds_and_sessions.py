"""Thresholds of the risk rules enter the parameter sets, as a new version of each set; sessions with their peaks."""

import hashlib
import json
from decimal import Decimal
from pathlib import Path

import django.db.models.deletion
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.utils import timezone

SQL = Path(__file__).resolve().parent.parent / "sql" / "sessions.sql"
COLUMNS = (
    (
        "price_jump_bps",
        models.DecimalField(
            max_digits=8,
            decimal_places=4,
            default=Decimal("300"),
            validators=[MinValueValidator(Decimal("5")), MaxValueValidator(Decimal("5000"))],
        ),
    ),
    (
        "reference_deviation_bps",
        models.DecimalField(
            max_digits=8,
            decimal_places=4,
            default=Decimal("300"),
            validators=[MinValueValidator(Decimal("5")), MaxValueValidator(Decimal("5000"))],
        ),
    ),
    (
        "sigma_break",
        models.DecimalField(
            max_digits=8,
            decimal_places=7,
            default=Decimal("0.02"),
            validators=[MinValueValidator(Decimal("0.00001")), MaxValueValidator(Decimal("1"))],
        ),
    ),
    (
        "drawdown_limit_quote",
        models.DecimalField(
            max_digits=16,
            decimal_places=6,
            default=Decimal("250"),
            validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal("1000000000"))],
        ),
    ),
    (
        "reject_limit",
        models.DecimalField(
            max_digits=4,
            decimal_places=0,
            default=Decimal("10"),
            validators=[MinValueValidator(Decimal("2")), MaxValueValidator(Decimal("1000"))],
        ),
    ),
    (
        "toxicity_bps",
        models.DecimalField(
            max_digits=8,
            decimal_places=4,
            default=Decimal("20"),
            validators=[MinValueValidator(Decimal("0.5")), MaxValueValidator(Decimal("1000"))],
        ),
    ),
    (
        "toxicity_fills",
        models.DecimalField(
            max_digits=3,
            decimal_places=0,
            default=Decimal("20"),
            validators=[MinValueValidator(Decimal("5")), MaxValueValidator(Decimal("500"))],
        ),
    ),
    (
        "toxicity_horizon_s",
        models.DecimalField(
            max_digits=2,
            decimal_places=0,
            default=Decimal("10"),
            validators=[MinValueValidator(Decimal("1")), MaxValueValidator(Decimal("60"))],
        ),
    ),
    (
        "widen_toxic_factor",
        models.DecimalField(
            max_digits=6,
            decimal_places=4,
            default=Decimal("1.5"),
            validators=[MinValueValidator(Decimal("1")), MaxValueValidator(Decimal("20"))],
        ),
    ),
    (
        "clock_skew_max_ms",
        models.DecimalField(
            max_digits=5,
            decimal_places=0,
            default=Decimal("2000"),
            validators=[MinValueValidator(Decimal("50")), MaxValueValidator(Decimal("60000"))],
        ),
    ),
    (
        "balance_gap_lots",
        models.DecimalField(
            max_digits=11,
            decimal_places=4,
            default=Decimal("2"),
            validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal("1000000"))],
        ),
    ),
    (
        "breaker_cooldown_s",
        models.DecimalField(
            max_digits=5,
            decimal_places=0,
            default=Decimal("60"),
            validators=[MinValueValidator(Decimal("5")), MaxValueValidator(Decimal("86400"))],
        ),
    ),
    (
        "max_order_notional",
        models.DecimalField(
            max_digits=14,
            decimal_places=6,
            default=Decimal("1000"),
            validators=[MinValueValidator(Decimal("1")), MaxValueValidator(Decimal("10000000"))],
        ),
    ),
    (
        "max_distance_bps",
        models.DecimalField(
            max_digits=8,
            decimal_places=4,
            default=Decimal("600"),
            validators=[MinValueValidator(Decimal("1")), MaxValueValidator(Decimal("5000"))],
        ),
    ),
    (
        "max_requests_per_minute",
        models.DecimalField(
            max_digits=5,
            decimal_places=0,
            default=Decimal("300"),
            validators=[MinValueValidator(Decimal("2")), MaxValueValidator(Decimal("60000"))],
        ),
    ),
)
# The schema in its order when this was written: what the hash of a set is made over from then on.
NAMES = (
    "gamma",
    "kappa",
    "horizon_s",
    "beta",
    "spread_floor_bps",
    "spread_cap_bps",
    "fee_cushion_bps",
    "widen_factor",
    "widen_stressed_factor",
    "order_size_lots",
    "max_notional_per_side",
    "q_target_lots",
    "q_soft_lots",
    "soft_limit_lots",
    "q_hard_lots",
    "sigma_min",
    "sigma_max",
    "sigma_prior",
    "vol_lookback_s",
    "sigma_step_s",
    "regime_calm_ratio",
    "regime_stressed_ratio",
    "feed_stale_s",
    "ref_max_width_bps",
    "ref_trade_max_age_s",
    "ref_fallback_widen",
    "ref_rank_pool",
    "ref_rank_venue",
    "ref_rank_trade",
    "refresh_interval_s",
    "refresh_tolerance_bps",
    "refresh_size_tolerance_pct",
    "cycle_timeout_s",
    "price_jump_bps",
    "reference_deviation_bps",
    "sigma_break",
    "drawdown_limit_quote",
    "reject_limit",
    "toxicity_bps",
    "toxicity_fills",
    "toxicity_horizon_s",
    "widen_toxic_factor",
    "clock_skew_max_ms",
    "balance_gap_lots",
    "breaker_cooldown_s",
    "max_order_notional",
    "max_distance_bps",
    "max_requests_per_minute",
)
BOUNDS = (
    ("gamma__gte", Decimal("0")),
    ("gamma__lte", Decimal("100000")),
    ("kappa__gte", Decimal("10")),
    ("kappa__lte", Decimal("1000000")),
    ("horizon_s__gte", Decimal("1")),
    ("horizon_s__lte", Decimal("86400")),
    ("beta__gte", Decimal("0")),
    ("beta__lte", Decimal("1")),
    ("spread_floor_bps__gte", Decimal("0")),
    ("spread_floor_bps__lte", Decimal("2000")),
    ("spread_cap_bps__gte", Decimal("1")),
    ("spread_cap_bps__lte", Decimal("5000")),
    ("fee_cushion_bps__gte", Decimal("0")),
    ("fee_cushion_bps__lte", Decimal("500")),
    ("widen_factor__gte", Decimal("1")),
    ("widen_factor__lte", Decimal("20")),
    ("widen_stressed_factor__gte", Decimal("1")),
    ("widen_stressed_factor__lte", Decimal("20")),
    ("order_size_lots__gte", Decimal("0.001")),
    ("order_size_lots__lte", Decimal("10000")),
    ("max_notional_per_side__gte", Decimal("1")),
    ("max_notional_per_side__lte", Decimal("10000000")),
    ("q_target_lots__gte", Decimal("-10000000")),
    ("q_target_lots__lte", Decimal("10000000")),
    ("q_soft_lots__gte", Decimal("0.001")),
    ("q_soft_lots__lte", Decimal("1000000")),
    ("soft_limit_lots__gte", Decimal("0.001")),
    ("soft_limit_lots__lte", Decimal("1000000")),
    ("q_hard_lots__gte", Decimal("0.002")),
    ("q_hard_lots__lte", Decimal("1000000")),
    ("sigma_min__gte", Decimal("1E-7")),
    ("sigma_min__lte", Decimal("0.1")),
    ("sigma_max__gte", Decimal("0.000001")),
    ("sigma_max__lte", Decimal("1")),
    ("sigma_prior__gte", Decimal("1E-7")),
    ("sigma_prior__lte", Decimal("1")),
    ("vol_lookback_s__gte", Decimal("1")),
    ("vol_lookback_s__lte", Decimal("86400")),
    ("sigma_step_s__gte", Decimal("0.1")),
    ("sigma_step_s__lte", Decimal("60")),
    ("regime_calm_ratio__gte", Decimal("0")),
    ("regime_calm_ratio__lte", Decimal("1")),
    ("regime_stressed_ratio__gte", Decimal("1")),
    ("regime_stressed_ratio__lte", Decimal("100")),
    ("feed_stale_s__gte", Decimal("0.5")),
    ("feed_stale_s__lte", Decimal("10")),
    ("ref_max_width_bps__gte", Decimal("1")),
    ("ref_max_width_bps__lte", Decimal("5000")),
    ("ref_trade_max_age_s__gte", Decimal("0.5")),
    ("ref_trade_max_age_s__lte", Decimal("600")),
    ("ref_fallback_widen__gte", Decimal("1")),
    ("ref_fallback_widen__lte", Decimal("20")),
    ("ref_rank_pool__gte", Decimal("0")),
    ("ref_rank_pool__lte", Decimal("9")),
    ("ref_rank_venue__gte", Decimal("0")),
    ("ref_rank_venue__lte", Decimal("9")),
    ("ref_rank_trade__gte", Decimal("0")),
    ("ref_rank_trade__lte", Decimal("9")),
    ("refresh_interval_s__gte", Decimal("0.1")),
    ("refresh_interval_s__lte", Decimal("60")),
    ("refresh_tolerance_bps__gte", Decimal("0")),
    ("refresh_tolerance_bps__lte", Decimal("100")),
    ("refresh_size_tolerance_pct__gte", Decimal("0")),
    ("refresh_size_tolerance_pct__lte", Decimal("100")),
    ("cycle_timeout_s__gte", Decimal("0.05")),
    ("cycle_timeout_s__lte", Decimal("10")),
    ("price_jump_bps__gte", Decimal("5")),
    ("price_jump_bps__lte", Decimal("5000")),
    ("reference_deviation_bps__gte", Decimal("5")),
    ("reference_deviation_bps__lte", Decimal("5000")),
    ("sigma_break__gte", Decimal("0.00001")),
    ("sigma_break__lte", Decimal("1")),
    ("drawdown_limit_quote__gte", Decimal("0.01")),
    ("drawdown_limit_quote__lte", Decimal("1000000000")),
    ("reject_limit__gte", Decimal("2")),
    ("reject_limit__lte", Decimal("1000")),
    ("toxicity_bps__gte", Decimal("0.5")),
    ("toxicity_bps__lte", Decimal("1000")),
    ("toxicity_fills__gte", Decimal("5")),
    ("toxicity_fills__lte", Decimal("500")),
    ("toxicity_horizon_s__gte", Decimal("1")),
    ("toxicity_horizon_s__lte", Decimal("60")),
    ("widen_toxic_factor__gte", Decimal("1")),
    ("widen_toxic_factor__lte", Decimal("20")),
    ("clock_skew_max_ms__gte", Decimal("50")),
    ("clock_skew_max_ms__lte", Decimal("60000")),
    ("balance_gap_lots__gte", Decimal("0.01")),
    ("balance_gap_lots__lte", Decimal("1000000")),
    ("breaker_cooldown_s__gte", Decimal("5")),
    ("breaker_cooldown_s__lte", Decimal("86400")),
    ("max_order_notional__gte", Decimal("1")),
    ("max_order_notional__lte", Decimal("10000000")),
    ("max_distance_bps__gte", Decimal("1")),
    ("max_distance_bps__lte", Decimal("5000")),
    ("max_requests_per_minute__gte", Decimal("2")),
    ("max_requests_per_minute__lte", Decimal("60000")),
)
REASON = "the parameter schema gained the thresholds of the risk rules; every other value is unchanged"


def add_version(apps, schema_editor):
    """Each set in force becomes its next version, with the new thresholds at their defaults, its history row and its event."""
    sets, history = apps.get_model("trading", "ParameterSet"), apps.get_model("trading", "HistoricalParameterSet")
    for row in sets.objects.select_related("market"):
        values = {name: getattr(row, name) for name in NAMES}
        body = json.dumps(
            {name: format(value.normalize(), "f") for name, value in values.items()}, separators=(",", ":")
        )
        row.version += 1
        row.values_hash = hashlib.sha256(body.encode()).hexdigest()
        row.reason, row.authorised_by, row.applied_at = REASON, "migration", timezone.now()
        row.actor_id, row.actor_name = "migration", "migration"
        row.save()
        kept = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        history.objects.create(**kept, history_date=row.applied_at, history_type="~", history_user_id=row.actor_name)
        _tell(apps, row)


def _tell(apps, row):
    events, outbox = apps.get_model("trading", "Event"), apps.get_model("trading", "OutboxEntry")
    aggregate = f"parameters:{row.market.slug}"
    last = events.objects.filter(aggregate=aggregate).aggregate(last=models.Max("aggregate_seq"))["last"] or 0
    changed = {name: {"from": None, "to": str(getattr(row, name))} for name, _ in COLUMNS}
    event = events.objects.create(
        aggregate=aggregate,
        aggregate_seq=last + 1,
        type="parameters.applied",
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        occurred_at=row.applied_at,
        payload={
            "market": row.market.slug,
            "version": row.version,
            "hash": row.values_hash,
            "changed": changed,
            "reason": row.reason,
            "authorised_by": row.authorised_by,
        },
    )
    outbox.objects.create(event=event)


def _added(model):
    return [
        migrations.AddField(model_name=model, name=name, field=column, preserve_default=False)
        for name, column in COLUMNS
    ]


class Migration(migrations.Migration):
    dependencies = [("trading", "0005_order_gate")]

    operations = [
        *_added("parameterset"),
        *_added("historicalparameterset"),
        migrations.RemoveConstraint(model_name="parameterset", name="parameter_hard_bounds"),
        migrations.AddConstraint(
            model_name="parameterset",
            constraint=models.CheckConstraint(condition=models.Q(*BOUNDS), name="parameter_hard_bounds"),
        ),
        migrations.CreateModel(
            name="TradingSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="session (UTC day)")),
                ("number", models.PositiveSmallIntegerField(default=1, verbose_name="number within the day")),
                (
                    "opening_pnl",
                    models.DecimalField(max_digits=38, decimal_places=18, verbose_name="P&L at the opening (quote)"),
                ),
                (
                    "opening_price",
                    models.DecimalField(
                        max_digits=38, decimal_places=18, verbose_name="reference price at the opening"
                    ),
                ),
                (
                    "peak",
                    models.DecimalField(max_digits=38, decimal_places=18, verbose_name="highest P&L since (quote)"),
                ),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                (
                    "market",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="trading.market"
                    ),
                ),
            ],
            options={
                "verbose_name": "trading session",
                "verbose_name_plural": "trading sessions",
                "db_table": "trading_sessions",
                "constraints": [models.UniqueConstraint(fields=("market", "day", "number"), name="trading_session_once")],
            },
        ),
        migrations.RunSQL(SQL.read_text(), migrations.RunSQL.noop),
        migrations.RunPython(add_version, migrations.RunPython.noop),
    ]
