"""The last cycle's status of each market."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import CycleStatus


def queue_cycle(client: Any, status: CycleStatus) -> Any:
    """Queue the write on a pipeline (or run it on a client)."""
    return client.set(keys.cycle(status.slug), encode(status))


async def write_cycle(client: redis.asyncio.Redis, status: CycleStatus) -> None:
    await queue_cycle(client, status)


def parse_cycle(raw: Any) -> CycleStatus | None:
    """None where there is none or it is unreadable."""
    if raw is None:
        return None
    try:
        return decode(raw, CycleStatus)
    except HotStateCorrupt:
        return None


async def read_cycle(client: redis.asyncio.Redis, slug: str) -> CycleStatus | None:
    return parse_cycle(await client.get(keys.cycle(slug)))


def read_cycle_sync(slug: str) -> CycleStatus | None:
    return parse_cycle(sync_client().get(keys.cycle(slug)))
