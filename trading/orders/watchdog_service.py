"""The watchdogs of every account in one process: opened, reopened when markets change, told alive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from typing import Final

import redis
import redis.asyncio
import structlog
from django.db import DatabaseError

from trading.clock import Clock
from trading.hot_state.market import beat
from trading.orders.database import DatabaseThreads
from trading.orders.watchdog import Watchdog
from trading.registry.selectors import MarketRef, active_markets
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)
PROCESS: Final = "watchdog"
BEAT_EVERY_S = 1.0
MARKETS_EVERY_S = 5.0
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
AGAIN_AFTER_S = 1.0
OpenVenue = Callable[[Sequence[MarketRef], str, Clock], Venue]


class WatchdogService:
    """`run` until stopped; never raises for a venue, Redis or PostgreSQL."""

    def __init__(self, client: redis.asyncio.Redis, clock: Clock, open_venue: OpenVenue) -> None:
        self._client, self._clock, self._open_venue = client, clock, open_venue
        self._database = DatabaseThreads(2)
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:6]}"

    async def run(self, stop: asyncio.Event) -> None:
        beating = asyncio.create_task(self._beat())
        try:
            while not stop.is_set():
                markets = await self._markets()
                if markets:
                    await self._serve(markets, stop)
                else:
                    await _pause(stop, AGAIN_AFTER_S)
        finally:
            beating.cancel()
            self._database.close()

    async def _serve(self, markets: tuple[MarketRef, ...], stop: asyncio.Event) -> None:
        """Every account's watchdog until the markets change or `stop`."""
        over = asyncio.Event()
        accounts = sorted({market.account for market in markets})
        work = [
            asyncio.create_task(self._watch([one for one in markets if one.account == account], over))
            for account in accounts
        ]
        while not await _pause(stop, MARKETS_EVERY_S):
            if (now := await self._markets()) and now != markets:
                break
        over.set()
        await asyncio.wait(work, timeout=CLOSE_TIMEOUT_S + 1.0)

    async def _watch(self, markets: list[MarketRef], over: asyncio.Event) -> None:
        """One account's watchdog, opened again whenever it ends."""
        account = markets[0].account
        while not over.is_set():
            venue: Venue | None = None
            try:
                venue = self._open_venue(markets, account, self._clock)
                await asyncio.wait_for(venue.open(), OPEN_TIMEOUT_S)
                await Watchdog(venue, markets, self._client, self._clock, self._owner, self._database).run(over)
            except Exception as problem:
                # Whatever it is: an account without its watchdog is worse than a watchdog that starts again.
                log.warning("watchdog_restarts", account=account, problem=f"{type(problem).__name__}: {problem}"[:200])
            finally:
                if venue is not None:
                    await _close(venue)
            await _pause(over, AGAIN_AFTER_S)

    async def _markets(self) -> tuple[MarketRef, ...]:
        try:
            return tuple(await self._database.run(active_markets))
        except DatabaseError as problem:
            log.warning("markets_not_read", problem=type(problem).__name__)
            return ()

    async def _beat(self) -> None:
        while True:
            try:
                await beat(self._client, PROCESS, self._clock.now_ns())
            except redis.RedisError as problem:
                log.warning("heartbeat_not_written", problem=type(problem).__name__)
            await asyncio.sleep(BEAT_EVERY_S)


async def _pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait; True when stopped."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def _close(venue: Venue) -> None:
    with contextlib.suppress(Exception):
        await asyncio.wait_for(venue.close(), CLOSE_TIMEOUT_S)
