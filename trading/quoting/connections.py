"""What a process keeps open for quoting: Redis, one venue connection per account, database threads. Reopened with back-off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import redis.asyncio
import structlog

from trading.clock import Clock
from trading.hot_state.reservations import Reservation
from trading.orders.database import DatabaseThreads
from trading.orders.desk import Desk
from trading.orders.settle import Looks
from trading.quoting.governed import GovernedCache
from trading.registry.selectors import MarketRef
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
# A quick opening is not worth a lost cycle; a slow one is not waited for, since cycles and takeovers have little time.
OPENING_WAITED_FOR_S = 0.5

OpenVenue = Callable[[Sequence[MarketRef], str, Clock], Venue]


class VenueNotOpen(Exception):
    """The account's venue could not be opened, and it is too early to try again. The message never holds a credential."""


@dataclass(slots=True)
class _Account:
    venue: Venue | None = None
    markets: tuple[str, ...] = ()
    failures: int = 0
    retry_at_s: float = 0.0
    problem: str = "being opened"
    opening: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Connections:
    """Made once per process and event loop. `owner` names the process in leases; `open_venue` makes an adapter."""

    redis: redis.asyncio.Redis
    clock: Clock
    owner: str
    open_venue: OpenVenue
    code_version: str = "unversioned"
    database: DatabaseThreads = field(default_factory=DatabaseThreads)
    looks: Looks = field(default_factory=Looks)
    reserved: Mapping[str, Reservation] = field(default_factory=dict)  # of every market, as read at the last tick
    busy: set[str] = field(default_factory=set)
    attempts: Iterator[int] = field(default_factory=itertools.count)
    _accounts: dict[str, _Account] = field(default_factory=dict)
    governed: GovernedCache = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.governed = GovernedCache(self.database, self.clock)
        self.desk = Desk(self.redis, self.database, self.clock)

    async def venue(self, account: str) -> Venue:
        """The open venue of `account`. Opening goes on beside the cycles, with a time of its own: whoever asks waits for it
        only for a moment. Raises `VenueNotOpen`."""
        held = self._accounts.setdefault(account, _Account())
        mine = tuple(market for market in self.governed.markets() if market.account == account)
        slugs = tuple(market.slug for market in mine)
        if held.venue is not None and held.markets == slugs:
            return held.venue
        if held.opening is None or held.opening.done():
            if self.clock.monotonic_s() < held.retry_at_s:
                raise VenueNotOpen(held.problem)
            held.opening = asyncio.create_task(self._open(account, held, mine))
        await asyncio.wait([held.opening], timeout=OPENING_WAITED_FOR_S)
        if held.venue is None or held.markets != slugs:
            raise VenueNotOpen(held.problem)
        return held.venue

    async def open_venues(self) -> None:
        """Begin to open the venue of every active account, so that the first cycles find it open. Never raises."""
        await self.governed.refresh()
        accounts = {market.account for market in self.governed.markets()}
        # One that can't be opened is told, and tried again, by the cycles that need it.
        await asyncio.gather(*(self.venue(account) for account in accounts), return_exceptions=True)

    async def _open(self, account: str, held: _Account, markets: tuple[MarketRef, ...]) -> None:
        await self._close_account(held)
        try:
            venue = self.open_venue(markets, account, self.clock)
            await asyncio.wait_for(venue.open(), OPEN_TIMEOUT_S)
        except Exception as problem:
            held.failures += 1
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (held.failures - 1))
            held.retry_at_s = self.clock.monotonic_s() + pause_s
            held.problem = f"{type(problem).__name__}: {str(problem)[:160]}"
            log.warning("venue_not_open", account=account, problem=held.problem, retry_in_s=pause_s)
            return
        held.venue, held.markets, held.failures = venue, tuple(m.slug for m in markets), 0
        held.problem = "being opened"

    async def _close_account(self, held: _Account) -> None:
        venue, held.venue = held.venue, None
        if venue is None:
            return
        try:
            await asyncio.wait_for(venue.close(), CLOSE_TIMEOUT_S)
        except Exception as problem:
            log.warning("venue_not_closed", problem=type(problem).__name__)

    async def close(self) -> None:
        """Close everything; never raises."""
        for held in self._accounts.values():
            if held.opening is not None and not held.opening.done():
                held.opening.cancel()
                await asyncio.wait([held.opening], timeout=CLOSE_TIMEOUT_S)
            await self._close_account(held)
        try:
            await self.redis.aclose()
        except (redis.RedisError, OSError) as problem:
            log.warning("redis_not_closed", problem=type(problem).__name__)
        await asyncio.to_thread(self.database.close)
