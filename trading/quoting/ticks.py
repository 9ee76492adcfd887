"""Ticks on the wall clock's grid. Nothing of Django here: beat needs it and loads no models."""

from __future__ import annotations

from dataclasses import dataclass

from trading.clock import Clock

# A tick older than this many ticks (and half a second) is not run: the next one sees the market as it is now.
EXPIRES_TICKS = 3
EXPIRES_AT_LEAST_S = 0.5


@dataclass(frozen=True, slots=True)
class Tick:
    """`slot` counts ticks of `tick_s` since the epoch."""

    shard: int
    shards: int
    slot: int
    tick_s: float

    @property
    def due_ns(self) -> int:
        return round(self.slot * self.tick_s * 1e9)

    @property
    def expires_s(self) -> float:
        """How late the tick may still be run."""
        return max(EXPIRES_TICKS * self.tick_s, EXPIRES_AT_LEAST_S)


def current_slot(clock: Clock, tick_s: float) -> int:
    """The slot that is due now. The same for every process on a common clock."""
    return int(clock.now_ns() // round(tick_s * 1e9))
