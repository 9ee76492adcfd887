"""The venue's clock: what the engine runs on, and what the venue shows when its clock is made to be wrong."""

from __future__ import annotations

import time
from collections.abc import Callable


class VenueClock:
    """Time of one venue. `skew_s` shifts every time the venue shows or checks; the engine's own order of events stays.

    `source` returns nanoseconds since the epoch; tests pass their own.
    """

    def __init__(self, source: Callable[[], int] = time.time_ns, skew_s: float = 0.0) -> None:
        self._source = source
        self.skew_s = skew_s

    def engine_ns(self) -> int:
        """Unskewed time for the engine, ns."""
        return self._source()

    def venue_ms(self) -> int:
        """What the venue believes the time is, ms."""
        return self.shown_ms(self._source())

    def shown_ms(self, engine_ns: int) -> int:
        """An engine time as the venue shows it, ms."""
        return (engine_ns + self._skew_ns()) // 1_000_000

    def from_venue_ms(self, venue_ms: int) -> int:
        """A client's time, given on the venue's clock in ms, as engine time in ns."""
        return venue_ms * 1_000_000 - self._skew_ns()

    def _skew_ns(self) -> int:
        return int(self.skew_s * 1_000_000_000)
