"""One tick of one shard: claimed once, run if it is not too late, its markets side by side."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid

import structlog

from trading import metrics
from trading.hot_state.claims import claim_slot
from trading.hot_state.reservations import read_reservations
from trading.quoting.connections import Connections
from trading.quoting.cycle import run_cycle
from trading.quoting.due import Due
from trading.quoting.ticks import Tick

log = structlog.get_logger(__name__)


async def run_tick(connections: Connections, tick: Tick) -> dict[str, str]:
    """Outcome by market; empty when the tick was too late or claimed by another."""
    late_s = (connections.clock.now_ns() - tick.due_ns) / 1e9
    if late_s > tick.expires_s:
        metrics.TICKS_LATE.labels(str(tick.shard)).inc()
        return {}
    if not await claim_slot(connections.redis, tick.shard, tick.slot, connections.owner, tick.expires_s):
        metrics.TICKS_REPEATED.labels(str(tick.shard)).inc()
        return {}
    await connections.governed.refresh()
    connections.reserved = await read_reservations(connections.redis)
    markets = [market for market in connections.governed.markets() if market.id % tick.shards == tick.shard]
    now_ns = connections.clock.now_ns()
    dues = [Due(market, tick.due_ns, tick.tick_s, now_ns) for market in markets]
    outcomes = await asyncio.gather(*(run_cycle(connections, due) for due in dues))
    return {due.market.slug: outcome for due, outcome in zip(dues, outcomes, strict=True)}


def process_name() -> str:
    """Host, process and a random part: unique also after a restart under the same number."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
