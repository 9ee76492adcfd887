"""The stream of parameter changes: told after each commit, heard by every worker through a consumer group of its own.

It only makes a change known at once. PostgreSQL is the truth: a worker reads it again by itself every few seconds, whatever
the stream says or fails to say, and so nothing is ever acknowledged or waited for here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.hot_state.market import HotClient

KEPT = 1_000
BLOCK_MS = 1_000


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A version that was committed for a market, with the hash of its values."""

    market: str
    version: int
    values_hash: str


def announce_change(change: ParameterChange) -> None:
    """Tell every worker. Raises `HotStateUnavailable`: they then learn of it when they compare."""
    fields: dict[Any, Any] = {b"market": change.market, b"version": change.version, b"hash": change.values_hash}
    sync_client().xadd(keys.PARAMETER_STREAM, fields, maxlen=KEPT, approximate=True)


async def heard_changes(client: HotClient, group: str, block_ms: int = BLOCK_MS) -> int:
    """How many changes came since the last call; waits up to `block_ms` for the first. One `group` per worker process.

    A group that is not there (a new worker, a Redis that lost its memory) is made, and counts as a change: something may have
    been missed.
    """
    try:
        answer: Any = await client.xreadgroup(group, "worker", {keys.PARAMETER_STREAM: ">"}, block=block_ms, noack=True)
    except redis.ResponseError as problem:
        if "NOGROUP" not in str(problem) and "UNBLOCKED" not in str(problem):
            raise
        await _make_group(client, group)
        return 1
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or []]
    return sum(len(entries) for entries in streams)


async def _make_group(client: HotClient, group: str) -> None:
    try:
        await client.xgroup_create(keys.PARAMETER_STREAM, group, id="$", mkstream=True)
    except redis.ResponseError as problem:
        if "BUSYGROUP" not in str(problem):
            raise
