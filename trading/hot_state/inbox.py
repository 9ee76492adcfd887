"""The inbox: fills, transfers, funding and cursor moves on their way to the ledger, and what the ledger committed.

One script appends an entry and notes a fill's signed base quantity as pending; one script publishes a
committed position and takes its fills off pending. Readers see both in one step, so that hot inventory =
committed q + Σ pending counts a fill once. An entry leaves the stream only when it is acknowledged; nothing
else ever trims it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import redis
import redis.asyncio
import structlog

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import CursorMove, HotPosition, RawFill, RawFunding, RawTransfer

log = structlog.get_logger(__name__)

BATCH = 500
# Longer than any late duplicate of a venue's stream or webhook; older ones are caught by PostgreSQL, only a
# moment later.
APPLIED_KEPT = 5_000
DEAD_LETTERS_KEPT = 10_000
LARGEST_BODY = 16_384

InboxValue = RawFill | RawTransfer | RawFunding | CursorMove
_KINDS: dict[bytes, type[InboxValue]] = {
    b"fill": RawFill,
    b"transfer": RawTransfer,
    b"funding": RawFunding,
    b"cursor": CursorMove,
}


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One entry of the stream. `value` None: it could not be read, `problem` says why and `body` is what it
    held.
    """

    entry_id: str
    value: InboxValue | None
    body: bytes = b""
    problem: str = ""


class InboxGroupMissing(Exception):
    """The consumer group is gone: Redis lost its memory. Make the group again and refill from the venues'
    history.
    """


# KEYS: inbox, pending, applied. ARGV: body, fill key, signed quantity. A fill already committed is not
# pending again, but its entry is appended all the same: it may bring the missing fee, or contradict what was
# booked.
_APPEND_FILL = """
local id = redis.call('XADD', KEYS[1], '*', 'k', 'fill', 'b', ARGV[1])
if not redis.call('ZSCORE', KEYS[3], ARGV[2]) then redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) end
return id
"""
# KEYS: position, pending, applied. ARGV: position, its ledger_seq, how many keys to remember, whether it is certain, fill keys.
# An older position never replaces a newer one, which already contains these fills. A certain one (read under its row's lock, so
# that nothing newer is committed) replaces whatever stands there, and what was noted as applied beyond it is forgotten. Answers
# whether it was published, and the number of a position that was ahead of it.
_COMMIT_POSITION = """
local held = redis.pcall('GET', KEYS[1])
local newest, ahead = tonumber(ARGV[2]), ''
if type(held) == 'string' then
  local ok, value = pcall(cjson.decode, held)
  local seq = ok and type(value) == 'table' and tonumber(value['ledger_seq'])
  if seq and seq > newest then ahead = string.format('%.0f', seq) end
end
local published = 1
if ahead ~= '' and ARGV[4] ~= '1' then published = 0 end
if published == 1 then redis.call('SET', KEYS[1], ARGV[1]) end
if published == 1 and ahead ~= '' then redis.call('ZREMRANGEBYSCORE', KEYS[3], '(' .. ARGV[2], '+inf') end
for i = 5, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('ZADD', KEYS[3], newest, ARGV[i])
end
if #ARGV > 4 then redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[3])) end
return {published, ahead}
"""


def _fill_call(fill: RawFill) -> tuple[list[str], list[bytes | str]]:
    signed = fill.size if fill.side == "buy" else -fill.size
    names = [keys.INBOX_STREAM, keys.inbox_pending(fill.market), keys.applied_fills(fill.market)]
    return names, [encode(fill), fill.key, format(signed, "f")]


def append_fill(client: redis.Redis, fill: RawFill) -> None:
    """Put a fill into the inbox. Safe to repeat: the ledger counts a key once."""
    names, values = _fill_call(fill)
    client.eval(_APPEND_FILL, len(names), *names, *values)


def append_transfer(client: redis.Redis, transfer: RawTransfer) -> None:
    """Put a deposit or withdrawal into the inbox. Safe to repeat."""
    client.xadd(keys.INBOX_STREAM, {b"k": b"transfer", b"b": encode(transfer)})


def append_funding(client: redis.Redis, funding: RawFunding) -> None:
    """Put a funding payment into the inbox. Safe to repeat."""
    client.xadd(keys.INBOX_STREAM, {b"k": b"funding", b"b": encode(funding)})


def append_cursor_move(client: redis.Redis, move: CursorMove) -> None:
    """Tell that an account's history up to `move.cursor` stands in the inbox before this entry."""
    client.xadd(keys.INBOX_STREAM, {b"k": b"cursor", b"b": encode(move)})


async def append_fill_async(client: redis.asyncio.Redis, fill: RawFill) -> None:
    """Put a fill into the inbox. Safe to repeat: the ledger counts a key once."""
    names, values = _fill_call(fill)
    await client.eval(_APPEND_FILL, len(names), *names, *values)


async def append_transfer_async(client: redis.asyncio.Redis, transfer: RawTransfer) -> None:
    """Put a deposit or withdrawal into the inbox. Safe to repeat."""
    await client.xadd(keys.INBOX_STREAM, {b"k": b"transfer", b"b": encode(transfer)})


async def append_funding_async(client: redis.asyncio.Redis, funding: RawFunding) -> None:
    """Put a funding payment into the inbox. Safe to repeat."""
    await client.xadd(keys.INBOX_STREAM, {b"k": b"funding", b"b": encode(funding)})


async def append_cursor_move_async(client: redis.asyncio.Redis, move: CursorMove) -> None:
    """Tell that an account's history up to `move.cursor` stands in the inbox before this entry."""
    await client.xadd(keys.INBOX_STREAM, {b"k": b"cursor", b"b": encode(move)})


# --- the ledger's side
# ------------------------------------------------------------------------------------------------


def ensure_group(client: redis.Redis) -> bool:
    """Make the ledger's consumer group from the stream's beginning; False where it was there already."""
    try:
        client.xgroup_create(keys.INBOX_STREAM, keys.INBOX_GROUP, id="0", mkstream=True)
    except redis.ResponseError as problem:
        if "BUSYGROUP" in str(problem):
            return False
        raise
    return True


def _parse(entry_id: bytes, fields: Mapping[bytes, bytes] | None) -> InboxEntry:
    name = entry_id.decode()
    fields = fields or {}
    body = fields.get(b"b", b"")
    kind = _KINDS.get(fields.get(b"k", b""))
    if kind is None or not body or len(body) > LARGEST_BODY:
        return InboxEntry(name, None, body[:LARGEST_BODY], "neither a fill, a transfer, funding nor a cursor move")
    try:
        return InboxEntry(name, decode(body, kind), body)
    except HotStateCorrupt as problem:
        return InboxEntry(name, None, body, str(problem)[:200])


def _entries(raw: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[InboxEntry]:
    return [_parse(entry_id, fields) for entry_id, fields in raw]


def _read(client: redis.Redis, consumer: str, start: str, count: int, block_ms: int | None) -> list[InboxEntry]:
    try:
        answer: Any = client.xreadgroup(
            keys.INBOX_GROUP, consumer, {keys.INBOX_STREAM: start}, count=count, block=block_ms
        )
    except redis.ResponseError as problem:
        if "NOGROUP" in str(problem) or "UNBLOCKED" in str(problem):
            raise InboxGroupMissing(keys.INBOX_GROUP) from problem
        raise
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or []]
    return [entry for entries in streams for entry in _entries(_flatten(entries))]


def _flatten(entries: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    # The client answers a list of lists under protocol 3.
    if entries and isinstance(entries[0], list) and entries[0] and isinstance(entries[0][0], (tuple, list)):
        return [item for part in entries for item in part]
    return list(entries)


def read_batch(client: redis.Redis, consumer: str, count: int = BATCH, block_ms: int = 200) -> list[InboxEntry]:
    """New entries, at most `count`; waits up to `block_ms`. Raises `InboxGroupMissing`."""
    return _read(client, consumer, ">", count, block_ms)


def read_unacknowledged(client: redis.Redis, consumer: str, count: int = BATCH) -> list[InboxEntry]:
    """Entries that this consumer was given before and did not acknowledge. Raises `InboxGroupMissing`."""
    return _read(client, consumer, "0", count, None)


def claim_stale(client: redis.Redis, consumer: str, min_idle_ms: int, count: int = BATCH) -> list[InboxEntry]:
    """Take over entries that any consumer left unacknowledged for `min_idle_ms`. Raises `InboxGroupMissing`."""
    try:
        answer: Any = client.xautoclaim(keys.INBOX_STREAM, keys.INBOX_GROUP, consumer, min_idle_ms, count=count)
    except redis.ResponseError as problem:
        if "NOGROUP" in str(problem) or "UNBLOCKED" in str(problem):
            raise InboxGroupMissing(keys.INBOX_GROUP) from problem
        raise
    return _entries(answer[1])


def ack(client: redis.Redis, entry_ids: Sequence[str]) -> None:
    """Acknowledge entries whose effect is committed, and remove them; what is not acknowledged stays."""
    if not entry_ids:
        return
    with client.pipeline(transaction=True) as pipe:
        pipe.xack(keys.INBOX_STREAM, keys.INBOX_GROUP, *entry_ids)
        pipe.xdel(keys.INBOX_STREAM, *entry_ids)
        pipe.execute()


def dead_letter(client: redis.Redis, entry: InboxEntry, reason: str) -> None:
    """Keep a copy of an entry that will never be applied, for people to look at."""
    fields: dict[Any, Any] = {b"id": entry.entry_id.encode(), b"reason": reason.encode(), b"b": entry.body}
    client.xadd(keys.DEAD_LETTERS, fields, maxlen=DEAD_LETTERS_KEPT, approximate=True)


def commit_position(client: redis.Redis, position: HotPosition, applied_keys: Sequence[str]) -> bool:
    """Publish a committed position and take the fills it contains off pending; False where a newer one was
    there.
    """
    published, _ = _commit(client, position, applied_keys, is_certain=False)
    return published


def restore_position(client: redis.Redis, position: HotPosition, applied_keys: Sequence[str]) -> str:
    """Publish a position read under its row's lock, over whatever stands there; "" or the number that was ahead of it.

    A number ahead of PostgreSQL is never right: somebody edited Redis, or one of the two was restored.
    """
    return _commit(client, position, applied_keys, is_certain=True)[1]


def _commit(
    client: redis.Redis, position: HotPosition, applied_keys: Sequence[str], *, is_certain: bool
) -> tuple[bool, str]:
    names = [
        keys.position(position.slug),
        keys.inbox_pending(position.slug),
        keys.applied_fills(position.slug),
    ]
    values: list[Any] = [encode(position), position.ledger_seq, APPLIED_KEPT, int(is_certain), *applied_keys]
    published, ahead = client.eval(_COMMIT_POSITION, len(names), *names, *values)
    return bool(published), ahead.decode()


def forget_pending(client: redis.Redis, slug: str, fill_keys: Sequence[str]) -> None:
    """Take fills off pending that will never be applied (quarantined, unknown market)."""
    if fill_keys:
        client.hdel(keys.inbox_pending(slug), *fill_keys)


def inbox_length(client: redis.Redis) -> int:
    """Entries not yet acknowledged."""
    return int(client.xlen(keys.INBOX_STREAM))


# --- readers
# ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HotInventory:
    """Committed position and what the inbox adds to it, read in one step. `position` None: nothing is known
    (fail closed).
    """

    position: HotPosition | None
    pending: Decimal
    pending_fills: int

    @property
    def q(self) -> Decimal | None:
        """Committed base quantity plus unapplied fills; None where the committed part is not known."""
        return None if self.position is None else self.position.q + self.pending


def queue_inventory(pipe: Any, slug: str) -> None:
    """Queue both reads on a caller's transaction pipeline; `parse_inventory` reads the two answers."""
    pipe.get(keys.position(slug))
    pipe.hvals(keys.inbox_pending(slug))


def parse_inventory(body: Any, pending: Sequence[bytes], slug: str) -> HotInventory:
    """What `queue_inventory` answered. Anything unreadable makes the position unknown."""
    try:
        total = sum((Decimal(quantity.decode()) for quantity in pending), Decimal(0))
        position = decode(body, HotPosition) if body is not None else None
    except (HotStateCorrupt, InvalidOperation, UnicodeDecodeError) as problem:
        log.error("hot_state_corrupt", key=keys.position(slug), problem=str(problem)[:200])
        return HotInventory(None, Decimal(0), len(pending))
    return HotInventory(position, total, len(pending))


async def hot_inventory(client: redis.asyncio.Redis, slug: str) -> HotInventory:
    """Committed position and pending fills of a market, as of one moment."""
    async with client.pipeline(transaction=True) as pipe:
        queue_inventory(pipe, slug)
        body, pending = await pipe.execute()
    return parse_inventory(body, pending, slug)


def hot_inventory_sync(slug: str) -> HotInventory:
    """Committed position and pending fills of a market, as of one moment."""
    with sync_client().pipeline(transaction=True) as pipe:
        queue_inventory(pipe, slug)
        body, pending = pipe.execute()
    return parse_inventory(body, pending, slug)


async def read_position(client: redis.asyncio.Redis, slug: str) -> HotPosition | None:
    """The committed position as last published; None where absent or unreadable."""
    return parse_inventory(await client.get(keys.position(slug)), (), slug).position


def read_position_sync(slug: str) -> HotPosition | None:
    """The committed position as last published; None where absent or unreadable."""
    return parse_inventory(sync_client().get(keys.position(slug)), (), slug).position


async def read_pending(client: redis.asyncio.Redis, slug: str) -> dict[str, Decimal]:
    """Fill key → signed base quantity of fills not yet committed."""
    return _pending(await client.hgetall(keys.inbox_pending(slug)))


def read_pending_sync(slug: str) -> dict[str, Decimal]:
    """Fill key → signed base quantity of fills not yet committed."""
    return _pending(sync_client().hgetall(keys.inbox_pending(slug)))


def _pending(raw: Mapping[Any, Any]) -> dict[str, Decimal]:
    return {key.decode(errors="replace"): Decimal(quantity.decode()) for key, quantity in raw.items()}
