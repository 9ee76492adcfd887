"""The venue's clock as seen from ours: measured, so that signatures are fresh and deadlines mean what we mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from trading.clock import Clock
from trading.venues.interface import VenueError

SAMPLES = 3
MEASURE_AGAIN_S = 60.0  # clocks drift, and ours may be set


class VenueTime:
    """Our clock plus the measured offset. `offset_ns` is venue minus ours; the truth lies within ± `uncertainty_ns`.

    `ask` reads the venue's time, ns.
    """

    def __init__(self, clock: Clock, ask: Callable[[], Awaitable[int]]) -> None:
        self._clock = clock
        self._ask = ask
        self._measured_s = clock.monotonic_s()
        self._measuring: asyncio.Task[None] | None = None
        self.offset_ns = 0
        self.uncertainty_ns = 0

    async def measure(self) -> None:
        """Ask the venue's time a few times; the fastest answer is the most exact. Errors of asking pass through."""
        best: tuple[float, int] | None = None
        for _ in range(SAMPLES):
            started_s = self._clock.monotonic_s()
            venue_ns = await self._ask()
            took_s = self._clock.monotonic_s() - started_s
            if best is None or took_s < best[0]:
                middle_ns = self._clock.now_ns() - round(took_s * 5e8)
                best = (took_s, venue_ns - middle_ns)
        if best is not None:
            self.uncertainty_ns, self.offset_ns = round(best[0] * 5e8), best[1]
        self._measured_s = self._clock.monotonic_s()

    def now_ms(self) -> int:
        """The venue's time now, ms: what a request is stamped with."""
        return (self._clock.now_ns() + self.offset_ns) // 1_000_000

    def deadline_ms(self, deadline_ns: int) -> int:
        """One of our deadlines on the venue's clock, never later than meant: the uncertainty is taken off.

        A measurement older than a minute is renewed beside the request, which does not wait for it.
        """
        if self._clock.monotonic_s() - self._measured_s > MEASURE_AGAIN_S and self._measuring is None:
            self._measuring = asyncio.create_task(self._measure_quietly())
        return (deadline_ns + self.offset_ns - self.uncertainty_ns) // 1_000_000

    def close(self) -> None:
        """Stop a measurement under way."""
        if self._measuring is not None:
            self._measuring.cancel()

    async def _measure_quietly(self) -> None:
        try:
            with suppress(VenueError):  # what is known stays in use; the next deadline asks again
                await self.measure()
        finally:
            self._measuring = None
