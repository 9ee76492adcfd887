"""Own orders that may rest or fill, in the hot state; written by the cycle that sends and by the own-order stream.

Two writers meet here, so that every change is a compare-and-set of one order's bytes, merged by rules that only move
forward: what was filled only grows, a done order stays done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import redis
import redis.asyncio

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.soundness import are_numbers
from trading.hot_state.values import HotOrder
from trading.orders.client_ids import parse_client_order_id
from trading.venues.interface import OrderState, OwnOrder

GONE_KEPT_S = 2.0
ENDED_BY_MAX = 64
_ATTEMPTS = 8
# ARGV: field, bytes expected ("" for none), new bytes ("" to delete).
_SWAP = """
local now = redis.call('HGET', KEYS[1], ARGV[1])
if (now or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
"""

Merge = Callable[[HotOrder | None], HotOrder | None]


def parse_orders(raw: Mapping[Any, Any]) -> tuple[HotOrder, ...]:
    """All orders of one market's hash, gone ones included, by client order id. Raises `HotStateCorrupt`."""
    return parse_order_bodies(raw.values())


def parse_order_bodies(bodies: Iterable[bytes]) -> tuple[HotOrder, ...]:
    """The same from the hash's values alone."""
    return tuple(sorted((_parse(body) for body in bodies), key=lambda order: order.client_order_id))


def _parse(body: bytes) -> HotOrder:
    order = decode(body, HotOrder)
    positive = (order.price, order.size, order.amend_price, order.amend_size)
    if not are_numbers(positive) or not all(one is None or one > 0 for one in positive):
        raise HotStateCorrupt("HotOrder: a price or size that is none")
    if not are_numbers((order.filled, order.settled_filled)) or order.filled < 0 or order.settled_filled < 0:
        raise HotStateCorrupt("HotOrder: a filled size that is none, or below zero, which would lower the worst case")
    if order.side not in ("buy", "sell"):
        raise HotStateCorrupt("HotOrder: no side")
    return order


async def read_readable(client: redis.asyncio.Redis, slug: str) -> tuple[tuple[HotOrder, ...], dict[str, bytes]]:
    """All orders of the market that can be read, and the bytes of the fields that can't, by field name."""
    try:
        raw: Any = await client.hgetall(keys.open_orders(slug))
    except redis.ResponseError:
        # Somebody put something else there; PostgreSQL knows the orders.
        await client.delete(keys.open_orders(slug))
        raw = {}
    found: list[HotOrder] = []
    unreadable: dict[str, bytes] = {}
    for name, body in raw.items():
        try:
            found.append(_parse(body))
        except HotStateCorrupt:
            unreadable[name.decode(errors="surrogateescape")] = body
    return tuple(found), unreadable


async def replace_unreadable(
    client: redis.asyncio.Redis, slug: str, unreadable: Mapping[str, bytes], by: Mapping[str, HotOrder]
) -> None:
    """Put the orders of `by` in the place of what can't be read; drop the rest of it, unless somebody mended it meanwhile."""
    for name, body in unreadable.items():
        new = encode(by[name]) if name in by else b""
        field_name = name.encode(errors="surrogateescape")
        await client.eval(_SWAP, 1, keys.open_orders(slug), field_name, body, new)


async def read_open_orders(client: redis.asyncio.Redis, slug: str, *, with_gone: bool = False) -> tuple[HotOrder, ...]:
    """Own orders of a market; those that are done only with `with_gone`. Raises `HotStateCorrupt`."""
    found = parse_orders(await client.hgetall(keys.open_orders(slug)))
    return found if with_gone else tuple(order for order in found if order.gone_ns == 0)


def read_open_orders_sync(slug: str, *, with_gone: bool = False) -> tuple[HotOrder, ...]:
    """The same for views, commands and the ledger."""
    found = parse_orders(sync_client().hgetall(keys.open_orders(slug)))
    return found if with_gone else tuple(order for order in found if order.gone_ns == 0)


def queue_put(client: Any, slug: str, orders: Iterable[HotOrder]) -> Any:
    """Queue plain writes: for intents and amends before they are sent, when the market's lease is held."""
    fields = {order.client_order_id: encode(order) for order in orders}
    return client.hset(keys.open_orders(slug), mapping=fields)


async def change_order(client: redis.asyncio.Redis, slug: str, client_order_id: str, merge: Merge) -> HotOrder | None:
    """Replace one order by `merge(current)` (None deletes), again while another writer was quicker; what stands then."""
    key = keys.open_orders(slug)
    for _ in range(_ATTEMPTS):
        raw: Any = await client.hget(key, client_order_id)
        current = None if raw is None else _parse(raw)
        wanted = merge(current)
        if wanted == current:
            return current
        new = b"" if wanted is None else encode(wanted)
        if await client.eval(_SWAP, 1, key, client_order_id, raw or b"", new):
            return wanted
    raise ConnectionError(f"order {client_order_id} is being rewritten too fast to be changed")


async def change_orders(
    client: redis.asyncio.Redis, slug: str, merges: Mapping[str, Merge]
) -> dict[str, HotOrder | None]:
    """The same for several orders in two round trips; what stands then, by client order id."""
    if not merges:
        return {}
    key, ids = keys.open_orders(slug), list(merges)
    raws: list[Any] = await client.hmget(key, ids)
    results: dict[str, HotOrder | None] = {}
    async with client.pipeline(transaction=False) as pipe:
        for client_order_id, raw in zip(ids, raws, strict=True):
            wanted = merges[client_order_id](None if raw is None else _parse(raw))
            results[client_order_id] = wanted
            pipe.eval(_SWAP, 1, key, client_order_id, raw or b"", b"" if wanted is None else encode(wanted))
        swapped = await pipe.execute()
    for client_order_id, done in zip(ids, swapped, strict=True):
        if not done:
            results[client_order_id] = await change_order(client, slug, client_order_id, merges[client_order_id])
    return results


async def drop_orders(client: redis.asyncio.Redis, slug: str, client_order_ids: Iterable[str]) -> None:
    """Forget orders that are done and recorded."""
    ids = list(client_order_ids)
    if ids:
        await client.hdel(keys.open_orders(slug), *ids)


def merge_venue_order(current: HotOrder | None, told: OwnOrder, now_ns: int) -> HotOrder | None:
    """What stands after the venue told `told` of an order of ours; None for one that we never had and that is done."""
    if current is None:
        return _adopt(told, now_ns)
    known = replace(
        _with_filled(current, told.filled, now_ns), venue_order_id=told.venue_order_id or current.venue_order_id
    )
    if known.gone_ns:
        return known
    if told.state is not OrderState.OPEN:
        status = "FILLED" if told.state is OrderState.FILLED else "CANCELLED"
        ended_by = told.cancel_reason[:ENDED_BY_MAX]
        return replace(known, status=status, gone_ns=now_ns, amend_price=None, amend_size=None, ended_by=ended_by)
    return _merge_open(known, told)


def _with_filled(current: HotOrder, filled: Decimal, now_ns: int) -> HotOrder:
    """`filled` only grows; what is not `settled_filled` yet is still on its way to the ledger."""
    return current if filled <= current.filled else replace(current, filled=filled, updated_ns=now_ns)


def _merge_open(known: HotOrder, told: OwnOrder) -> HotOrder:
    """An open order as told: it exists, and an amend is through when its price and size are there."""
    if known.amend_price is not None:
        if (told.price, told.size) != (known.amend_price, known.amend_size):
            return known  # perhaps told before the amend arrived: the amend stays in flight
        return replace(known, price=told.price, size=told.size, amend_price=None, amend_size=None, status="LIVE")
    if known.status in ("INTENT", "UNKNOWN"):
        return replace(known, price=told.price, size=told.size, status="LIVE")
    return known


def _adopt(told: OwnOrder, now_ns: int) -> HotOrder | None:
    """An order of ours that the hot state has lost: counted from now on, swept by its epoch."""
    if told.state is not OrderState.OPEN:
        return None
    parts = parse_client_order_id(told.client_order_id)
    return HotOrder(
        client_order_id=told.client_order_id,
        venue_order_id=told.venue_order_id,
        side=told.side.value,
        level=parts.level if parts else 0,
        epoch=parts.epoch if parts else 0,
        price=told.price,
        size=told.size,
        filled=told.filled,
        status="LIVE",
        deadline_ns=0,
        updated_ns=now_ns,
    )


async def read_ours(client: redis.asyncio.Redis, slug: str, client_order_ids: Iterable[str]) -> set[str]:
    """Those of the ids that the hot state holds as orders of ours. What can't be read is not held."""
    ids = list(client_order_ids)
    raws: list[Any] = await client.hmget(keys.open_orders(slug), ids) if ids else []
    return {name for name, raw in zip(ids, raws, strict=True) if raw is not None and _is_ours(raw)}


def _is_ours(body: bytes) -> bool:
    try:
        return not _parse(body).foreign
    except HotStateCorrupt:
        return False


async def put_foreign(client: redis.asyncio.Redis, slug: str, told: OwnOrder, policy: str, now_ns: int) -> bool:
    """Hold an order that nobody here sent, under `policy`; True where it is news. One that is done is not taken in."""
    is_news = False

    def merge(current: HotOrder | None) -> HotOrder | None:
        nonlocal is_news
        is_news = current is None and told.state is OrderState.OPEN
        merged = merge_venue_order(current, told, now_ns)
        return merged if merged is None or merged.gone_ns else replace(merged, foreign=policy)

    await change_order(client, slug, told.client_order_id, merge)
    return is_news


async def apply_venue_order(
    client: redis.asyncio.Redis, slug: str, told: OwnOrder, now_ns: int | None = None
) -> HotOrder | None:
    """Merge what the venue's own-order stream, an answer or a query told of one of our orders; `now_ns` is our wall
    time (without it, the venue's time of the change stands in)."""
    at_ns = told.updated_ns if now_ns is None else now_ns
    return await change_order(
        client, slug, told.client_order_id, lambda current: merge_venue_order(current, told, at_ns)
    )
