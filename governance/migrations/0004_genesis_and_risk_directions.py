"""Genesis is open, and which change of a parameter is riskier (as trading/parameters/schema.py says; a test compares)."""

from decimal import Decimal

from django.db import migrations

SMALL_CHANGE = Decimal("0.05")
DIRECTIONS = (
    ("gamma", "down_is_riskier"),
    ("kappa", "up_is_riskier"),
    ("horizon_s", "neutral_both_strict"),
    ("beta", "neutral_both_strict"),
    ("spread_floor_bps", "down_is_riskier"),
    ("spread_cap_bps", "down_is_riskier"),
    ("fee_cushion_bps", "down_is_riskier"),
    ("widen_factor", "down_is_riskier"),
    ("widen_stressed_factor", "down_is_riskier"),
    ("order_size_lots", "up_is_riskier"),
    ("max_notional_per_side", "up_is_riskier"),
    ("q_target_lots", "neutral_both_strict"),
    ("q_soft_lots", "up_is_riskier"),
    ("soft_limit_lots", "up_is_riskier"),
    ("q_hard_lots", "up_is_riskier"),
    ("sigma_min", "down_is_riskier"),
    ("sigma_max", "down_is_riskier"),
    ("sigma_prior", "down_is_riskier"),
    ("vol_lookback_s", "neutral_both_strict"),
    ("sigma_step_s", "neutral_both_strict"),
    ("regime_calm_ratio", "neutral_both_strict"),
    ("regime_stressed_ratio", "up_is_riskier"),
    ("feed_stale_s", "up_is_riskier"),
    ("ref_max_width_bps", "up_is_riskier"),
    ("ref_trade_max_age_s", "up_is_riskier"),
    ("ref_fallback_widen", "down_is_riskier"),
    ("ref_rank_pool", "neutral_both_strict"),
    ("ref_rank_venue", "neutral_both_strict"),
    ("ref_rank_trade", "neutral_both_strict"),
    ("refresh_interval_s", "up_is_riskier"),
    ("refresh_tolerance_bps", "up_is_riskier"),
    ("refresh_size_tolerance_pct", "neutral_both_strict"),
    ("cycle_timeout_s", "up_is_riskier"),
    ("price_jump_bps", "up_is_riskier"),
    ("reference_deviation_bps", "up_is_riskier"),
    ("sigma_break", "up_is_riskier"),
    ("drawdown_limit_quote", "up_is_riskier"),
    ("reject_limit", "up_is_riskier"),
    ("toxicity_bps", "up_is_riskier"),
    ("toxicity_fills", "neutral_both_strict"),
    ("toxicity_horizon_s", "neutral_both_strict"),
    ("widen_toxic_factor", "down_is_riskier"),
    ("clock_skew_max_ms", "up_is_riskier"),
    ("balance_gap_lots", "up_is_riskier"),
    ("breaker_cooldown_s", "down_is_riskier"),
    ("max_order_notional", "up_is_riskier"),
    ("max_distance_bps", "up_is_riskier"),
    ("max_requests_per_minute", "up_is_riskier"),
)


def write(apps, schema_editor):
    apps.get_model("governance", "GovernanceGenesis").objects.create(id=1, is_open=True)
    row = apps.get_model("governance", "RiskDirectionRow")
    row.objects.bulk_create(row(parameter=name, direction=way, small_change=SMALL_CHANGE) for name, way in DIRECTIONS)


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_review_engine")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
