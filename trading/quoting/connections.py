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
OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 3.0

OpenVenue = Callable[[Sequence[MarketRef], str, Clock], Venue]


class VenueNotOpen(Exception):
    """The account's venue could not be opened, and it is too early to try again. The message never holds a credential."""


@dataclass(slots=True)
class _Account:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    venue: Venue | None = None
    markets: tuple[str, ...] = ()
    failures: int = 0
    retry_at_s: float = 0.0
    problem: str = ""


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

    def __post_init__(self) -> None:
        self.governed = GovernedCache(self.database, self.clock)

    @property
    def desk(self) -> Desk:
        return Desk(self.redis, self.database, self.clock)

    async def venue(self, account: str) -> Venue:
        """The open venue of `account`. Raises `VenueNotOpen`."""
        held = self._accounts.setdefault(account, _Account())
        async with held.lock:
            mine = tuple(market for market in self.governed.markets() if market.account == account)
            slugs = tuple(market.slug for market in mine)
            if held.venue is not None and held.markets == slugs:
                return held.venue
            if self.clock.monotonic_s() < held.retry_at_s:
                raise VenueNotOpen(held.problem)
            await self._close_account(held)
            return await self._open(account, held, mine)

    async def _open(self, account: str, held: _Account, markets: tuple[MarketRef, ...]) -> Venue:
        try:
            venue = self.open_venue(markets, account, self.clock)
            await asyncio.wait_for(venue.open(), OPEN_TIMEOUT_S)
        except Exception as problem:
            held.failures += 1
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (held.failures - 1))
            held.retry_at_s = self.clock.monotonic_s() + pause_s
            held.problem = f"{type(problem).__name__}: {str(problem)[:160]}"
            log.warning("venue_not_open", account=account, problem=held.problem, retry_in_s=pause_s)
            raise VenueNotOpen(held.problem) from problem
        held.venue, held.markets, held.failures, held.problem = venue, tuple(m.slug for m in markets), 0, ""
        return venue

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
            await self._close_account(held)
        try:
            await self.redis.aclose()
        except (redis.RedisError, OSError) as problem:
            log.warning("redis_not_closed", problem=type(problem).__name__)
        await asyncio.to_thread(self.database.close)
