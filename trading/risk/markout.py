"""Markouts: how the price moved after our fills. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trading.risk.side import Side

HORIZONS_S: Final = (1.0, 10.0, 60.0)
# The price a horizon after a fill is the last known one then; one that is older than this by then is not known.
PRICE_MAX_AGE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class FilledAt:
    """One own fill: when (ns), side, price."""

    at_ns: int
    side: Side
    price: float


def markout_bps(fill: FilledAt, later_price: float) -> float:
    """What the fill would have gained against `later_price`, bps of its price; negative: the price ran away behind it."""
    sign = 1.0 if fill.side is Side.BUY else -1.0
    return sign * (later_price / fill.price - 1.0) * 1e4


def price_at(times_ns: Sequence[int], prices: Sequence[float], at_ns: int) -> float | None:
    """The last price known at `at_ns` (times ascending); None where there is none or it is too old."""
    index = bisect.bisect_right(times_ns, at_ns) - 1
    if index < 0 or at_ns - times_ns[index] > PRICE_MAX_AGE_S * 1e9:
        return None
    return prices[index]


def markouts(
    fills: Sequence[FilledAt], times_ns: Sequence[int], prices: Sequence[float], horizon_s: float, now_ns: int
) -> list[float]:
    """Markouts of the fills that are older than the horizon and whose later price is known, in the fills' order."""
    found = []
    for fill in fills:
        then_ns = fill.at_ns + round(horizon_s * 1e9)
        later = price_at(times_ns, prices, then_ns) if then_ns <= now_ns else None
        if later is not None:
            found.append(markout_bps(fill, later))
    return found
