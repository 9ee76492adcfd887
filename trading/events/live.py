"""The live push: each market's status to the Channels group `trading.markets` when it changed, and a history point a second."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.db import DatabaseError, close_old_connections, connection

from trading.clock import Clock, SystemClock
from trading.hot_state.connection import async_client
from trading.hot_state.market import append_history
from trading.hot_state.values import HistoryPoint
from trading.market_status import MarketStatus, book_json, status_json, trades_json
from trading.selectors import all_market_status

log = structlog.get_logger(__name__)

GROUP = "trading.markets"
INTERVAL_S = 0.25
HISTORY_EVERY_S = 1.0
# A quiet market is told again this often, so that a page can tell quiet from dead.
RESEND_EVERY_S = 2.0
READ_TIMEOUT_S = 10.0


def market_message(status: MarketStatus) -> dict[str, Any]:
    """The group message of one market; consumers make their own form of it."""
    return {
        "type": "market.status",
        "market": status.slug,
        "status": status_json(status),
        "book": book_json(status),
        "trades": trades_json(status),
    }


def history_point(status: MarketStatus, now_ns: int) -> HistoryPoint:
    """What of a status is kept every second."""
    return HistoryPoint(
        at_ns=now_ns,
        mid=status.mid,
        bid=status.bid,
        ask=status.ask,
        inventory=status.inventory,
        realised=status.realised_pnl,
        unrealised=status.unrealised_pnl,
        state=status.state,
    )


def read_statuses(now_ns: int) -> tuple[MarketStatus, ...]:
    """Every market's status, on a thread that keeps its own database connection."""
    close_old_connections()
    try:
        return all_market_status(now_ns)
    except DatabaseError:
        connection.close()
        raise


def _essence(status: MarketStatus) -> MarketStatus:
    """Without what always changes: two statuses of equal essence look alike but for their ages."""
    return replace(status, feed_age_s=None, cycle_age_s=None, updated_ns=None)


class LivePush:
    """State of the loop: what was sent last of each market, and when."""

    def __init__(self, layer: Any, client: Any, clock: Clock) -> None:
        self._layer = layer
        self._client = client
        self._clock = clock
        self._sent: dict[str, tuple[MarketStatus, float]] = {}
        self._history_due_s = 0.0

    async def tell(self, statuses: tuple[MarketStatus, ...]) -> int:
        """Send what changed; how many messages that were."""
        now_s, count = self._clock.monotonic_s(), 0
        for status in statuses:
            essence = _essence(status)
            before = self._sent.get(status.slug)
            if before and before[0] == essence and now_s - before[1] < RESEND_EVERY_S:
                continue
            await self._layer.group_send(GROUP, market_message(status))
            self._sent[status.slug] = (essence, now_s)
            count += 1
        return count

    async def keep(self, statuses: tuple[MarketStatus, ...]) -> None:
        """Append a history point per market when a second has passed."""
        now_s = self._clock.monotonic_s()
        if now_s < self._history_due_s:
            return
        # In step with the last one, or from now where rounds were missed.
        is_late = now_s - self._history_due_s > HISTORY_EVERY_S
        self._history_due_s = (now_s if is_late else self._history_due_s) + HISTORY_EVERY_S
        now_ns = self._clock.now_ns()
        for status in statuses:
            await append_history(self._client, status.slug, history_point(status, now_ns))


async def run(stop: asyncio.Event, clock: Clock | None = None) -> None:
    """Push until `stop` is set. A failed round is logged and tried again: the push must outlive any server it needs."""
    clock = clock or SystemClock()
    client = async_client()
    push = LivePush(get_channel_layer(), client, clock)
    # One thread of its own: one database connection, and no queueing behind other work of the process.
    executor = ThreadPoolExecutor(1, thread_name_prefix="live-push")
    loop = asyncio.get_running_loop()
    failures = 0
    try:
        while not stop.is_set():
            started_s = clock.monotonic_s()
            try:
                reading = loop.run_in_executor(executor, read_statuses, clock.now_ns())
                statuses = await asyncio.wait_for(reading, READ_TIMEOUT_S)
                await push.tell(statuses)
                await push.keep(statuses)
                failures = 0
            except Exception as problem:
                failures += 1
                log.warning(
                    "live_push_failed", problem=type(problem).__name__, detail=str(problem)[:200], failures=failures
                )
            pause_s = max(0.05, INTERVAL_S - (clock.monotonic_s() - started_s)) + min(2.0, 0.25 * failures)
            await _wait(stop, pause_s)
    finally:
        executor.submit(connection.close)
        executor.shutdown(wait=True)
        await client.aclose()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
