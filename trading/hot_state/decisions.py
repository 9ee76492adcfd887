"""The stream of decisions, from the cycles to the writer that keeps them in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import redis

from trading.hot_state import keys
from trading.hot_state.codec import decode, encode

# Approximate bound of the stream: a writer that is down for long loses the oldest decisions rather than Redis its memory.
KEPT = 200_000
DEAD_LETTERS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class HotDecision:
    """One cycle. `notable`: something was sent, withheld or changed, so that it gets a row of its own. `inputs` and
    `result` are the JSON that the pure functions read and answered; `orders` what was sent and what came of it."""

    slug: str
    cycle_id: str
    at_ns: int
    outcome: str
    reason: str
    notable: bool
    parameter_version: int | None
    code_version: str
    inputs: msgspec.Raw
    result: msgspec.Raw
    orders: msgspec.Raw
    epoch: int | None
    duration_ms: float
    resting_sides: int
    spread_bps: float | None


def queue_push(client: Any, decision: HotDecision) -> Any:
    """Queue one decision on a pipeline (or run it on a client)."""
    return client.xadd(keys.DECISION_STREAM, {b"d": encode(decision)}, maxlen=KEPT, approximate=True)


# The announced decision of a cycle that did not come to its end goes to the stream as it is.
_PUSH_ANNOUNCED = """
local body = redis.call('GET', KEYS[1])
if not body then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'd', body)
redis.call('DEL', KEYS[1])
return 1
"""


def queue_announce(client: Any, decision: HotDecision) -> Any:
    """Keep `decision` before its requests go out, so that no order can exist without one."""
    return client.set(keys.announced_decision(decision.slug), encode(decision))


def queue_forget_announced(client: Any, slug: str) -> Any:
    """The cycle came to its end: its whole decision was pushed instead."""
    return client.delete(keys.announced_decision(slug))


def queue_push_announced(client: Any, slug: str) -> Any:
    """The market's announced decision goes to the stream, if there is one: its cycle failed, or its process died."""
    return client.eval(_PUSH_ANNOUNCED, 2, keys.announced_decision(slug), keys.DECISION_STREAM, KEPT)


def ensure_group(client: redis.Redis) -> None:
    """The consumer group, made from the stream's beginning where it is missing."""
    try:
        client.xgroup_create(keys.DECISION_STREAM, keys.DECISION_GROUP, id="0", mkstream=True)
    except redis.ResponseError as problem:
        if "BUSYGROUP" not in str(problem):
            raise


def read_batch(
    client: redis.Redis, consumer: str, *, after: str, count: int, block_ms: int | None
) -> list[tuple[str, bytes]]:
    """Entries as (id, body). `after` = ">" gives new ones; an id gives those delivered to this consumer before and never
    acknowledged. Raises redis.ResponseError NOGROUP when Redis was emptied."""
    answer: Any = client.xreadgroup(
        keys.DECISION_GROUP, consumer, {keys.DECISION_STREAM: after}, count=count, block=block_ms
    )
    if not answer:
        return []
    streams = answer.items() if isinstance(answer, dict) else answer
    entries: list[tuple[str, bytes]] = []
    for _, batch in streams:
        found = batch[0] if batch and isinstance(batch[0], list) else batch
        entries.extend((entry_id.decode(), fields.get(b"d", b"") if fields else b"") for entry_id, fields in found)
    return entries


def parse_decision(body: bytes) -> HotDecision:
    """Raises `HotStateCorrupt`."""
    return decode(body, HotDecision)


def acknowledge(client: redis.Redis, entry_ids: list[str]) -> None:
    """These are kept in PostgreSQL now (or can never be)."""
    if entry_ids:
        client.xack(keys.DECISION_STREAM, keys.DECISION_GROUP, *entry_ids)
        client.xdel(keys.DECISION_STREAM, *entry_ids)


def set_aside(client: redis.Redis, entry_id: str, body: bytes, reason: str) -> None:
    """Keep a copy of an entry that no table can hold, for people to look at, and acknowledge it."""
    fields: dict[Any, Any] = {b"id": entry_id.encode(), b"reason": reason.encode(errors="replace"), b"d": body}
    client.xadd(keys.DECISION_DEAD_LETTERS, fields, maxlen=DEAD_LETTERS_KEPT, approximate=True)
    acknowledge(client, [entry_id])


def backlog(client: redis.Redis) -> int:
    """How many decisions wait."""
    return int(client.xlen(keys.DECISION_STREAM))
