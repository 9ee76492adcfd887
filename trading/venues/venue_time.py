"""The venue's clock as seen from ours: measured, watched, so that stamps are fresh and deadlines mean what we mean.

A clock that steps inside the venue's stamp window goes unnoticed by its refusals, and would move every deadline. So
whatever the venue tells of its time for other reasons is compared with the measurement; what contradicts it is a
doubt, and nothing with a deadline leaves until a new measurement has settled the doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from trading.clock import Clock
from trading.venues.interface import NotSent, SendGuard, VenueError

SAMPLES = 3
MEASURE_AGAIN_S = 60.0  # clocks drift, and ours may be set
CONFIRM_S = 2.0  # before a deadline is sent, the offset was measured or confirmed no longer ago
PATIENCE_S = 1.0  # how long a request waits for that
SLACK_NS = 100_000_000  # whole milliseconds, and what clocks drift between two measurements
FURTHEST_NS = 10**18 * 4  # no time of a venue lies beyond


class VenueTime:
    """Our clock plus the measured offset. `offset_ns` is venue minus ours; the truth lies within ± `uncertainty_ns`.

    `ask` reads the venue's time, ns.
    """

    def __init__(self, clock: Clock, ask: Callable[[], Awaitable[int]]) -> None:
        self._clock = clock
        self._ask = ask
        self._measured_s = clock.monotonic_s()
        self._confirmed_s: float | None = None  # None: not known, or in doubt
        self._doubts = 0
        self._ours_ns = self._wall_ns()
        self._measuring: asyncio.Task[None] | None = None
        self.offset_ns = 0
        self.uncertainty_ns = 0

    async def measure(self) -> None:
        """Ask the venue's time a few times; the fastest answer is the most exact. Errors of asking pass through."""
        best: tuple[float, int] | None = None
        doubts = self._doubts
        for _ in range(SAMPLES):
            started_s = self._clock.monotonic_s()
            venue_ns = await self._ask()
            took_s = self._clock.monotonic_s() - started_s
            if best is None or took_s < best[0]:
                middle_ns = self._clock.now_ns() - round(took_s * 5e8)
                best = (took_s, venue_ns - middle_ns)
        if best is not None:
            self.uncertainty_ns, self.offset_ns = round(best[0] * 5e8), best[1]
        self._measured_s, self._ours_ns = self._clock.monotonic_s(), self._wall_ns()
        if doubts == self._doubts:  # a doubt that arose meanwhile may be of a step that this measurement straddled
            self._confirmed_s = self._measured_s

    def now_ms(self) -> int:
        """The venue's time now, ms: what a request is stamped with."""
        return (self._clock.now_ns() + self.offset_ns) // 1_000_000

    # --- what the venue tells by the way ------------------------------------------------------------------------

    def told(self, venue_ns: int, since_ns: int | None = None) -> None:
        """The venue told a time of its clock that is not later than now.

        `since_ns`: our time of an event before which it can't have been (a request's first byte), None if not known.
        A time outside of what is known starts a measurement and holds up deadlines until it is done.
        """
        if self._confirmed_s is None or not 0 < venue_ns < FURTHEST_NS:
            return
        allowed_ns = self.uncertainty_ns + SLACK_NS
        ahead = venue_ns - self._clock.now_ns() > self.offset_ns + allowed_ns
        behind = since_ns is not None and venue_ns - since_ns < self.offset_ns - allowed_ns
        if ahead or behind:
            self.doubt()
        elif since_ns is not None:
            self._confirmed_s = self._clock.monotonic_s()

    def refused_deadline(self, deadline_ns: int | None) -> None:
        """The venue found one of our deadlines passed. If it has not passed here, the clocks do not agree any more."""
        if deadline_ns is None or self._clock.now_ns() < deadline_ns - self.uncertainty_ns - SLACK_NS:
            self.doubt()

    def doubt(self) -> None:
        """Something contradicts the offset: measure it again, and let no deadline leave before."""
        self._doubts += 1
        self._confirmed_s = None
        self._measure_beside()

    # --- deadlines ----------------------------------------------------------------------------------------------

    async def confirmed(self) -> None:
        """Return when the offset is known to hold. Raises `NotSent` when that can't be had at once."""
        if self._confirmed_s is not None and abs(self._wall_ns() - self._ours_ns) > SLACK_NS:
            self.doubt()  # our own clock was set
        if self._holds():
            if self._clock.monotonic_s() - self._measured_s > MEASURE_AGAIN_S:
                self._measure_beside()
            return
        await asyncio.wait({self._measure_beside()}, timeout=PATIENCE_S)
        if not self._holds():
            raise NotSent("the venue's clock is not known well enough for a deadline; it is being measured again")

    def deadline_ms(self, deadline_ns: int) -> int:
        """One of our deadlines on the venue's clock, never later than meant: the uncertainty is taken off."""
        return (deadline_ns + self.offset_ns - self.uncertainty_ns) // 1_000_000

    def guarded(self, deadline_ns: int, guard: SendGuard | None) -> SendGuard:
        """`guard`, which also refuses when the deadline has passed or the offset it was told with holds no longer."""
        offset_ns = self.offset_ns

        def leave() -> None:
            if self._clock.now_ns() >= deadline_ns:
                raise NotSent("the deadline passed before the request could leave")
            moved_ns = abs(self.offset_ns - offset_ns)
            if self._confirmed_s is None or moved_ns > self.uncertainty_ns + SLACK_NS:
                raise NotSent("the venue's clock moved while the request was made ready")
            if guard is not None:
                guard()

        return leave

    def close(self) -> None:
        """Stop a measurement under way."""
        if self._measuring is not None:
            self._measuring.cancel()

    def _holds(self) -> bool:
        return self._confirmed_s is not None and self._clock.monotonic_s() - self._confirmed_s <= CONFIRM_S

    def _wall_ns(self) -> int:
        """Our wall clock as seen from the one that nobody sets: constant until it is set."""
        return self._clock.now_ns() - round(self._clock.monotonic_s() * 1e9)

    def _measure_beside(self) -> asyncio.Task[None]:
        if self._measuring is None:
            self._measuring = asyncio.create_task(self._measure_quietly())
        return self._measuring

    async def _measure_quietly(self) -> None:
        try:
            with suppress(VenueError):  # what is known stays in use; the next deadline asks again
                await self.measure()
        finally:
            self._measuring = None
