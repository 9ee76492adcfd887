"""The watchdog of one venue account: the dead man's switch, and nothing left resting on a halted market.

A process of its own, with connections of its own, so that it does its work whatever happens to those who trade. Halted
markets are cleared again and again until the venue shows no order: right after a kill in quick succession, because a
request that was under way may still arrive, later now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import redis.asyncio
import structlog
from django.db import DatabaseError, transaction

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.controls.selectors import effective_states
from trading.events.services import record
from trading.hot_state.clearing import Cleared, claim_keeper, write_cleared
from trading.hot_state.controls import read_tightenings
from trading.orders.database import DatabaseThreads
from trading.orders.keeper import RENEW_EVERY_S, Keeper
from trading.registry.selectors import MarketRef
from trading.risk.states import TradingState, strictest
from trading.venues.interface import Venue, VenueError

log = structlog.get_logger(__name__)
DESK = "desk"
LOOK_EVERY_S = 0.1
STATES_EVERY_S = 0.5
READ_WAITED_FOR_S = 0.25
# A lease and a request's deadline after a kill, nothing that was under way can arrive any more.
QUICK_FOR_S = 8.0
QUICK_EVERY_S = 0.5
CALM_EVERY_S = 10.0
# Longer than two renewals, shorter than the timer: a second keeper takes over before the venue cancels.
CLAIM_S = 6.0


@dataclass(slots=True)
class _Halted:
    """Clearing one market: since when, how many went, when the venue showed none first, when to look again."""

    since_ns: int
    since_s: float
    cancelled: int = 0
    is_clear: bool = False
    next_s: float = -math.inf


@dataclass(slots=True)
class Watchdog:
    """One account's. `owner` names this process among keepers."""

    venue: Venue
    markets: Sequence[MarketRef]
    client: redis.asyncio.Redis
    clock: Clock
    owner: str
    database: DatabaseThreads = field(default_factory=DatabaseThreads)
    _states: Mapping[str, TradingState] = field(default_factory=dict)
    _states_at_s: float = -math.inf
    _reading: asyncio.Task[None] | None = None
    _halted: dict[str, _Halted] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Never raises for the venue, Redis or PostgreSQL."""
        async with asyncio.TaskGroup() as group:
            keeper = Keeper(self.venue, tuple(market.slug for market in self.markets), self.client, self.clock)
            group.create_task(self._every(stop, RENEW_EVERY_S, lambda: self.renew(keeper)))
            group.create_task(self._every(stop, LOOK_EVERY_S, self.look))

    async def _every(self, stop: asyncio.Event, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        while not stop.is_set():
            await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)

    async def renew(self, keeper: Keeper) -> bool:
        """One round of the dead man's switch; False where another process keeps it, or nobody can tell."""
        if not self.venue.capabilities.cancel_after:
            return False
        try:
            if not await claim_keeper(self.client, self.venue.account, self.owner, CLAIM_S):
                return False
        except (redis.RedisError, OSError) as problem:
            log.warning("keeper_not_claimed", account=self.venue.account, problem=type(problem).__name__)
            return False
        return await keeper.beat()

    async def look(self) -> None:
        """Clear what is halted and due."""
        states, now_s = await self._effective(), self.clock.monotonic_s()
        for market in self.markets:
            if states.get(market.slug) is not TradingState.HALTED:
                self._halted.pop(market.slug, None)
                continue
            one = self._halted.setdefault(market.slug, _Halted(self.clock.now_ns(), now_s))
            if now_s >= one.next_s:
                await self._clear(market, one)

    async def _clear(self, market: MarketRef, one: _Halted) -> None:
        try:
            one.cancelled += await self.venue.cancel_all(market.slug)
            resting: int | None = len(await self.venue.fetch_open_orders(market.slug))
        except VenueError as problem:
            log.warning("halted_market_not_cleared", market=market.slug, problem=type(problem).__name__)
            resting = None
        now_s = self.clock.monotonic_s()
        is_first = resting == 0 and not one.is_clear
        one.is_clear = resting == 0
        if one.is_clear:
            one.next_s = now_s + (QUICK_EVERY_S if now_s - one.since_s < QUICK_FOR_S else CALM_EVERY_S)
        await self._tell(Cleared(market.slug, one.since_ns, self.clock.now_ns(), one.cancelled, resting))
        if is_first:
            metrics.KILL_SECONDS.labels(market.slug).set(now_s - one.since_s)
            log.warning("halted_market_cleared", market=market.slug, cancelled=one.cancelled)
            await self._record(market, one, now_s - one.since_s)

    async def _tell(self, cleared: Cleared) -> None:
        try:
            await write_cleared(self.client, cleared)
        except (redis.RedisError, OSError) as problem:
            log.warning("clearing_not_told", market=cleared.slug, problem=type(problem).__name__)

    async def _record(self, market: MarketRef, one: _Halted, took_s: float) -> None:
        payload = {"market": market.slug, "cancelled": one.cancelled, "took_ms": round(took_s * 1e3)}
        try:
            await self.database.run(_event, market.slug, payload, to_datetime(self.clock.now_ns()))
        except DatabaseError as problem:
            log.warning("clearing_not_recorded", market=market.slug, problem=type(problem).__name__)

    async def _effective(self) -> dict[str, TradingState]:
        """The stricter of PostgreSQL, as last read, and what was announced since."""
        slugs = [market.slug for market in self.markets]
        now_s = self.clock.monotonic_s()
        # Beside, never before: a database that hangs must not keep an announced kill waiting, nor Redis one that is stored.
        if now_s - self._states_at_s >= STATES_EVERY_S and (self._reading is None or self._reading.done()):
            self._states_at_s = now_s
            self._reading = asyncio.create_task(self._read_states(slugs))
            await asyncio.wait([self._reading], timeout=READ_WAITED_FOR_S)
        try:
            async with asyncio.timeout(READ_WAITED_FOR_S):
                announced = await read_tightenings(self.client, [DESK, *slugs], self.clock.now_ns())
        except (redis.RedisError, OSError, TimeoutError):
            announced = {}
        return {slug: strictest(self._of(slug, announced)) for slug in slugs}

    async def _read_states(self, slugs: list[str]) -> None:
        try:
            found = await self.database.run(effective_states, slugs, to_datetime(self.clock.now_ns()))
        except DatabaseError as problem:
            log.warning("states_not_read", account=self.venue.account, problem=type(problem).__name__)
        else:
            self._states = {slug: state for slug, (state, _) in found.items()}

    def _of(self, slug: str, announced: Mapping[str, str]) -> list[TradingState]:
        words = [announced[scope] for scope in (DESK, slug) if scope in announced]
        return [self._states.get(slug, TradingState.ACTIVE), *(TradingState(word) for word in words)]


def _event(slug: str, payload: dict[str, object], now: datetime) -> None:
    with transaction.atomic():
        record(f"control:{slug}", "control.cleared", payload, occurred_at=now)
