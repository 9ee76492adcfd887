"""Typed thresholds of the breakers and of single orders: what the risk rules read of a market's parameter set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from trading.risk.breakers import BreakerLimits

ParameterValue = str | int | float | Decimal | bool


@dataclass(frozen=True, slots=True)
class RiskParameters:
    """One market's; units as in the schema. Money and prices of single orders stay `Decimal`."""

    breakers: BreakerLimits
    toxicity_horizon_s: float
    widen_toxic_factor: float
    max_order_notional: Decimal
    max_side_notional: Decimal
    max_distance_bps: Decimal
    max_requests_per_minute: int


def risk_parameters(values: Mapping[str, ParameterValue]) -> RiskParameters:
    """Typed parameters of a validated mapping; further names are ignored. A missing name is a `KeyError`."""
    return RiskParameters(
        breakers=BreakerLimits(
            reference_deviation_bps=float(values["reference_deviation_bps"]),
            price_jump_bps=float(values["price_jump_bps"]),
            sigma_break=float(values["sigma_break"]),
            drawdown_limit_quote=float(values["drawdown_limit_quote"]),
            reject_limit=int(Decimal(str(values["reject_limit"]))),
            toxicity_bps=float(values["toxicity_bps"]),
            toxicity_fills=int(Decimal(str(values["toxicity_fills"]))),
            clock_skew_max_ms=float(values["clock_skew_max_ms"]),
            balance_gap_lots=float(values["balance_gap_lots"]),
            cooldown_s=float(values["breaker_cooldown_s"]),
        ),
        toxicity_horizon_s=float(values["toxicity_horizon_s"]),
        widen_toxic_factor=float(values["widen_toxic_factor"]),
        max_order_notional=Decimal(str(values["max_order_notional"])),
        max_side_notional=Decimal(str(values["max_notional_per_side"])),
        max_distance_bps=Decimal(str(values["max_distance_bps"])),
        max_requests_per_minute=int(Decimal(str(values["max_requests_per_minute"]))),
    )
