"""Typed parameters of the strategy: what `compute_quote`, volatility and refresh read, as floats.

Built from a mapping that `trading.parameters.validation.validate` found free of errors; the names are the
schema's. Money limits stay `Decimal` because they bound prices and sizes that leave as `Decimal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class QuoteParameters:
    """One market's parameters; units as in the schema (bps of price, lots, seconds, fractions of price)."""

    gamma: float
    kappa: float
    horizon_s: float
    beta: float
    spread_floor_bps: float
    spread_cap_bps: float
    fee_cushion_bps: float
    widen_factor: float
    widen_stressed_factor: float
    order_size_lots: Decimal
    max_notional_per_side: Decimal
    q_target_lots: Decimal
    q_soft_lots: float
    soft_limit_lots: float
    q_hard_lots: float
    sigma_min: float
    sigma_max: float
    sigma_prior: float
    vol_lookback_s: float
    sigma_step_s: float
    regime_calm_ratio: float
    regime_stressed_ratio: float
    feed_stale_s: float
    ref_max_width_bps: float
    ref_trade_max_age_s: float
    ref_fallback_widen: float
    ref_rank_pool: int
    ref_rank_venue: int
    ref_rank_trade: int
    refresh_interval_s: float
    refresh_tolerance_bps: float
    refresh_size_tolerance_pct: float
    cycle_timeout_s: float


ParameterValue = str | int | float | Decimal | bool


def quote_parameters(values: Mapping[str, ParameterValue]) -> QuoteParameters:
    """Typed parameters of a validated mapping; further names are ignored. A missing name is a `KeyError`."""
    return QuoteParameters(
        gamma=float(values["gamma"]),
        kappa=float(values["kappa"]),
        horizon_s=float(values["horizon_s"]),
        beta=float(values["beta"]),
        spread_floor_bps=float(values["spread_floor_bps"]),
        spread_cap_bps=float(values["spread_cap_bps"]),
        fee_cushion_bps=float(values["fee_cushion_bps"]),
        widen_factor=float(values["widen_factor"]),
        widen_stressed_factor=float(values["widen_stressed_factor"]),
        order_size_lots=Decimal(str(values["order_size_lots"])),
        max_notional_per_side=Decimal(str(values["max_notional_per_side"])),
        q_target_lots=Decimal(str(values["q_target_lots"])),
        q_soft_lots=float(values["q_soft_lots"]),
        soft_limit_lots=float(values["soft_limit_lots"]),
        q_hard_lots=float(values["q_hard_lots"]),
        sigma_min=float(values["sigma_min"]),
        sigma_max=float(values["sigma_max"]),
        sigma_prior=float(values["sigma_prior"]),
        vol_lookback_s=float(values["vol_lookback_s"]),
        sigma_step_s=float(values["sigma_step_s"]),
        regime_calm_ratio=float(values["regime_calm_ratio"]),
        regime_stressed_ratio=float(values["regime_stressed_ratio"]),
        feed_stale_s=float(values["feed_stale_s"]),
        ref_max_width_bps=float(values["ref_max_width_bps"]),
        ref_trade_max_age_s=float(values["ref_trade_max_age_s"]),
        ref_fallback_widen=float(values["ref_fallback_widen"]),
        ref_rank_pool=int(Decimal(str(values["ref_rank_pool"]))),
        ref_rank_venue=int(Decimal(str(values["ref_rank_venue"]))),
        ref_rank_trade=int(Decimal(str(values["ref_rank_trade"]))),
        refresh_interval_s=float(values["refresh_interval_s"]),
        refresh_tolerance_bps=float(values["refresh_tolerance_bps"]),
        refresh_size_tolerance_pct=float(values["refresh_size_tolerance_pct"]),
        cycle_timeout_s=float(values["cycle_timeout_s"]),
    )
