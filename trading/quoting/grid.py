"""Beat's schedule on the wall clock's grid: slots are the same for every beat and worker, and don't drift."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from celery.schedules import BaseSchedule, schedstate
from django.conf import settings

from trading.clock import SystemClock
from trading.quoting.ticks import current_slot

# Beat sleeps 10 ms less than it is told and then asks again and again; told this much more, it wakes once, just after the slot.
BEAT_WAKES_EARLY_S = 0.011


class GridSchedule(BaseSchedule):
    """Due once in every slot of `tick_s` seconds since the epoch; a slot that was missed is not made up for."""

    def __init__(self, tick_s: float, **kwargs: Any) -> None:
        if not 0.05 <= tick_s <= 3600:
            raise ValueError(f"a tick of {tick_s} s is outside 0.05 to 3600 s")
        super().__init__(**kwargs)
        self.tick_s = tick_s

    def _slot(self, at_s: float) -> int:
        return int(round(at_s * 1e9) // round(self.tick_s * 1e9))

    def is_due(self, last_run_at: datetime) -> schedstate:
        """(due, seconds until it is asked again)."""
        now_s = time.time()
        slot, last = self._slot(now_s), self._slot(last_run_at.timestamp())
        until_next_s = (slot + 1) * self.tick_s - now_s
        # A last run that lies ahead means that the clock was put back: waiting for it could take as long as it was wrong.
        is_due = slot > last or slot < last - 1
        return schedstate(is_due, until_next_s + BEAT_WAKES_EARLY_S)

    def remaining_estimate(self, last_run_at: datetime) -> Any:
        return self.maybe_make_aware(last_run_at) - self.now()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GridSchedule) and other.tick_s == self.tick_s

    def __hash__(self) -> int:
        return hash(self.tick_s)

    def __reduce__(self) -> tuple[type[GridSchedule], tuple[float]]:
        return GridSchedule, (self.tick_s,)

    def __repr__(self) -> str:
        return f"<grid of {self.tick_s:g} s>"


def due_slot() -> int:
    """The slot of now, as an argument of the task that beat sends."""
    return current_slot(SystemClock(), settings.REFRESH_INTERVAL_S)
