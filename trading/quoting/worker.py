"""The worker process' side of quoting: connections made on first use, closed when the worker shuts down."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

import redis
import structlog
from django.conf import settings

from trading.clock import SystemClock
from trading.hot_state.connection import async_client
from trading.hot_state.market import beat
from trading.quoting import loop
from trading.quoting.connections import Connections
from trading.quoting.parameter_watch import follow_parameters
from trading.quoting.shard import process_name, run_tick
from trading.quoting.ticks import Tick
from trading.venues.factory import open_venue

log = structlog.get_logger(__name__)
CLOSE_TIMEOUT_S = 5.0
HEARTBEAT_EVERY_S = 1.0
_lock = threading.Lock()
_connections: Connections | None = None
_background: list[Future[None]] = []


async def _connect() -> Connections:
    return Connections(
        redis=async_client(),
        clock=SystemClock(),
        owner=process_name(),
        open_venue=open_venue,
        code_version=settings.CODE_VERSION,
    )


def connections() -> Connections:
    """The process' connections, on the process' loop."""
    global _connections
    with _lock:
        if _connections is None:
            _connections = loop.run(_connect(), CLOSE_TIMEOUT_S)
        return _connections


def start(process: str) -> None:
    """Connect and open the venues; hear of parameter changes, and beat for `process` (its heartbeat's name, "" for none), until
    the worker ends."""
    held = connections()
    work = [held.open_venues(), follow_parameters(held, process or held.owner)]
    if process:
        work.append(_keep_beating(held, process))
    _background.extend(asyncio.run_coroutine_threadsafe(each, loop.event_loop()) for each in work)


async def _keep_beating(held: Connections, process: str) -> None:
    while True:
        try:
            await beat(held.redis, process, held.clock.now_ns())
        except redis.RedisError as problem:
            log.warning("heartbeat_not_written", problem=type(problem).__name__)
        await asyncio.sleep(HEARTBEAT_EVERY_S)


def quote_shard(shard: int, slot: int) -> dict[str, str]:
    """Run one tick of one shard; blocks until its markets are done. Never longer than their own time-outs."""
    tick = Tick(shard, settings.QUOTE_SHARDS, slot, settings.REFRESH_INTERVAL_S)
    return loop.run(run_tick(connections(), tick), timeout_s=20.0)


def shut_down() -> None:
    """Close venues, Redis and database threads; never raises."""
    global _connections
    with _lock:
        held, _connections = _connections, None
    while _background:
        _background.pop().cancel()
    if held is not None:
        try:
            loop.run(held.close(), CLOSE_TIMEOUT_S)
        except (TimeoutError, FutureTimeout, RuntimeError) as problem:
            log.warning("connections_not_closed", problem=type(problem).__name__)
    loop.stop()
