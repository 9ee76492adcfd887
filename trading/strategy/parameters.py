"""Typed parameters of the strategy: what `compute_quote`, volatility and refresh read, as floats.

Built from a mapping that `trading.parameters.validation.validate` found free of errors; the names are the
schema's. Money limits stay `Decimal` because they bound prices and sizes that leave as `Decimal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final


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

_DECIMALS: Final = frozenset({"order_size_lots", "max_notional_per_side", "q_target_lots"})
_INTEGERS: Final = frozenset({"ref_rank_pool", "ref_rank_venue", "ref_rank_trade"})


def quote_parameters(values: Mapping[str, ParameterValue]) -> QuoteParameters:
    """Typed parameters of a validated mapping name -> value; further names are ignored.

    Raises:
        KeyError: a parameter is missing.
        ValueError, ArithmeticError: a value is no number.
    """
    typed: dict[str, float | int | Decimal] = {}
    for field in fields(QuoteParameters):
        text = str(values[field.name])
        if field.name in _DECIMALS:
            typed[field.name] = Decimal(text)
        elif field.name in _INTEGERS:
            typed[field.name] = int(Decimal(text))
        else:
            typed[field.name] = float(text)
    return QuoteParameters(**typed)  # type: ignore[arg-type]
