"""The dead man's keeper of one venue account: renews cancel-after while every market with resting orders is looked after.

A market is looked after while its cycles come to decisions. One that stalls is swept first, so that the others of the account may
keep their orders; if nothing is renewed any more, the venue cancels all of them by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import redis.asyncio
import structlog

from trading.clock import Clock
from trading.hot_state.cycle import read_cycle
from trading.hot_state.foreign import read_occupied
from trading.hot_state.lease import CLOCK_MARGIN_S
from trading.venues.interface import Venue, VenueError

log = structlog.get_logger(__name__)
CANCEL_AFTER_S = 10.0
RENEW_EVERY_S = 2.5
CYCLE_LIVE_S = 5.0
# Outcomes that are no decision: nobody looks after what rests.
_NOT_LOOKED_AFTER = frozenset({"error"})


class Keeper:
    """One account's keeper. `beat` is one round."""

    def __init__(self, venue: Venue, slugs: tuple[str, ...], client: redis.asyncio.Redis, clock: Clock) -> None:
        self.venue = venue
        self.slugs = slugs
        self._client = client
        self._clock = clock
        self._seen_ns: dict[str, int] = {}
        self._good_at_s: dict[str, float] = {}

    async def beat(self) -> bool:
        """Sweep what is not looked after, then renew; True if the timer was renewed. On an account that another copy of the
        portal uses it does neither: the timer must end with those whose orders it guards."""
        try:
            if await read_occupied(self._client, self.venue.account, self._clock.now_ns()) is not None:
                return False
            stalled = [slug for slug in self.slugs if not await self._is_live(slug)]
            if not await self._sweep(stalled):
                return False
            await self.venue.cancel_after(CANCEL_AFTER_S)
        except (VenueError, redis.RedisError, OSError) as problem:
            log.warning("keeper_did_not_renew", account=self.venue.account, problem=type(problem).__name__)
            return False
        return True

    async def _is_live(self, slug: str) -> bool:
        """A status counts from when this process first saw it, in monotonic time, so that a wall clock that is put back
        can't keep an old one alive; and only if it was fresh by the wall clock then."""
        status = await read_cycle(self._client, slug)
        now_s = self._clock.monotonic_s()
        if status is not None and status.at_ns != self._seen_ns.get(slug):
            self._seen_ns[slug] = status.at_ns
            age_s = (self._clock.now_ns() - status.at_ns) / 1e9
            if status.outcome not in _NOT_LOOKED_AFTER and age_s >= -CLOCK_MARGIN_S:
                self._good_at_s[slug] = max(now_s - max(age_s, 0.0), self._good_at_s.get(slug, -math.inf))
        return now_s - self._good_at_s.get(slug, -math.inf) < CYCLE_LIVE_S

    async def _sweep(self, stalled: Sequence[str]) -> bool:
        """Take the orders of stalled markets off; False while one still shows."""
        is_clean = True
        for slug in stalled:
            resting = await self.venue.fetch_open_orders(slug)
            if not resting:
                continue
            log.warning("stalled_market_swept", market=slug, orders=len(resting))
            await self.venue.cancel_all(slug)
            is_clean = is_clean and not await self.venue.fetch_open_orders(slug)
        return is_clean
