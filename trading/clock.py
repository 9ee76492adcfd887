"""Time as an argument: everything that needs the time is given a `Clock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """`now_ns` is wall time in nanoseconds since the epoch; `monotonic_s` never goes back and is for ages and time-outs."""

    def now_ns(self) -> int: ...

    def monotonic_s(self) -> float: ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_s(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock that moves only when told to; wall and monotonic time move together unless `skew` is called."""

    def __init__(self, now_ns: int = 1_767_225_600_000_000_000) -> None:
        self._now_ns = now_ns
        self._monotonic_s = 1_000.0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1e9)
        self._monotonic_s += seconds

    def skew(self, seconds: float) -> None:
        """Move wall time only, as a clock correction does."""
        self._now_ns += round(seconds * 1e9)


def to_datetime(now_ns: int) -> datetime:
    """UTC datetime of `now_ns` (microsecond resolution, truncated)."""
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).replace(microsecond=now_ns % 1_000_000_000 // 1000)
