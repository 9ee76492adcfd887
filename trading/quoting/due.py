"""A cycle that is to be run."""

from __future__ import annotations

from dataclasses import dataclass

from trading.registry.selectors import MarketRef


@dataclass(frozen=True, slots=True)
class Due:
    """`slot_ns` is its due time on the grid of `tick_s`, `started_ns` when its task began."""

    market: MarketRef
    slot_ns: int
    tick_s: float
    started_ns: int
