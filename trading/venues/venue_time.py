"""The venue's clock as seen from ours: measured, so that signatures are fresh and deadlines mean what we mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trading.clock import Clock

SAMPLES = 3


class VenueTime:
    """Our clock plus the measured offset. `offset_ns` is venue minus ours; the truth lies within ± `uncertainty_ns`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ns = 0
        self.uncertainty_ns = 0

    async def measure(self, ask: Callable[[], Awaitable[int]], samples: int = SAMPLES) -> None:
        """Ask the venue's time (ns) a few times; the fastest answer is the most exact. Errors of `ask` pass through."""
        best: tuple[float, int] | None = None
        for _ in range(samples):
            started_s = self._clock.monotonic_s()
            venue_ns = await ask()
            took_s = self._clock.monotonic_s() - started_s
            if best is None or took_s < best[0]:
                middle_ns = self._clock.now_ns() - round(took_s * 5e8)
                best = (took_s, venue_ns - middle_ns)
        if best is not None:
            self.uncertainty_ns, self.offset_ns = round(best[0] * 5e8), best[1]

    def now_ms(self) -> int:
        """The venue's time now, ms: what a request is stamped with."""
        return (self._clock.now_ns() + self.offset_ns) // 1_000_000

    def deadline_ms(self, deadline_ns: int) -> int:
        """One of our deadlines on the venue's clock, never later than meant: the uncertainty is taken off."""
        return (deadline_ns + self.offset_ns - self.uncertainty_ns) // 1_000_000
