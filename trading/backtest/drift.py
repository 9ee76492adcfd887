"""How far a market's parameters have moved: those in force some days ago, now, and as proposed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from trading.backtest.figures import plain
from trading.parameters.schema import SCHEMA

_PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One parameter that moved. Changes in % of the value then, None from zero; the last is where the proposal would bring it."""

    parameter: str
    unit: str
    then: str
    now: str
    proposed: str
    now_pct: str | None
    proposed_pct: str | None


@dataclass(frozen=True, slots=True)
class Drift:
    """`then_version` was in force at `then_at`; `is_whole` is False where the market is younger than that and it is its first."""

    market: str
    then_at: str
    then_version: int
    is_whole: bool
    rows: tuple[DriftRow, ...]


def drift_rows(
    then: Mapping[str, Decimal], now: Mapping[str, Decimal], proposed: Mapping[str, Decimal]
) -> tuple[DriftRow, ...]:
    """Every parameter of which the three values are not the same, in the schema's order."""
    return tuple(
        DriftRow(
            spec.name,
            spec.unit,
            plain(then[spec.name]),
            plain(now[spec.name]),
            plain(proposed[spec.name]),
            relative_pct(then[spec.name], now[spec.name]),
            relative_pct(then[spec.name], proposed[spec.name]),
        )
        for spec in SCHEMA
        if not then[spec.name] == now[spec.name] == proposed[spec.name]
    )


def relative_pct(then: Decimal, now: Decimal) -> str | None:
    """Change in % of the size of `then`; None from zero to something else."""
    if then == now:
        return "0"
    if then == 0:
        return None
    return plain(((now - then) / abs(then) * 100).quantize(_PERCENT, ROUND_HALF_EVEN))
