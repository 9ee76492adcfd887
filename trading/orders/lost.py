"""Own orders that the hot state has lost or can't read any more, found again from PostgreSQL; they are looked up before anything
else is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog
from django.db import DatabaseError

from trading.hot_state import orders as hot_orders
from trading.hot_state.codec import HotStateCorrupt
from trading.hot_state.snapshot import HotSnapshot
from trading.hot_state.values import HotOrder
from trading.orders.desk import Desk
from trading.orders.records import open_order_rows
from trading.registry.selectors import MarketRef
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)
# How many cycles of a market without a comparison with PostgreSQL: rows of intents whose gate was given up late end here.
COMPARE_EVERY = 60


async def whole_orders(
    desk: Desk, venue: Venue, market: MarketRef, snapshot: HotSnapshot, turn: int
) -> tuple[HotOrder, ...]:
    """The snapshot's orders with those that should be among them. `turn` counts the epoch's cycles; the first one's taker has
    just asked PostgreSQL itself.

    Raises after everything of the market was cancelled: `HotStateCorrupt` when orders could not be read (they are mended, the
    next cycle goes on), DatabaseError when orders may be missing and PostgreSQL can't be asked; VenueError when the
    cancelling failed.
    """
    if "orders" in snapshot.corrupt:
        await venue.cancel_all(market.slug)
        await _mend(desk, market)
        raise HotStateCorrupt(f"orders of {market.slug}")
    if not _is_doubtful(snapshot, turn) and turn % COMPARE_EVERY:
        return snapshot.orders
    try:
        rows = await desk.database.run(open_order_rows, market.id)
    except DatabaseError:
        if not _is_doubtful(snapshot, turn):
            return snapshot.orders
        await venue.cancel_all(market.slug)
        raise
    return await _with_rows(desk, market.slug, snapshot.orders, rows)


def _is_doubtful(snapshot: HotSnapshot, turn: int) -> bool:
    """An order of the last cycle's end is not there, or nobody wrote down which there were."""
    if turn <= 1:
        return False
    expected = None if snapshot.previous is None else snapshot.previous.own_orders
    return expected is None or not set(expected) <= {order.client_order_id for order in snapshot.orders}


async def _with_rows(
    desk: Desk, slug: str, orders: Sequence[HotOrder], rows: Sequence[HotOrder]
) -> tuple[HotOrder, ...]:
    """Put rows that the hot state lacks into it, as orders of which nothing is known."""
    held = {order.client_order_id for order in orders}
    lost = {row.client_order_id: replace(row, status="UNKNOWN") for row in rows if row.client_order_id not in held}
    if not lost:
        return tuple(orders)
    log.warning("orders_lost_by_hot_state", market=slug, orders=sorted(lost)[:10])

    def unless_there(row: HotOrder) -> hot_orders.Merge:
        return lambda current: current or row

    standing = await hot_orders.change_orders(desk.redis, slug, {key: unless_there(row) for key, row in lost.items()})
    return (*orders, *(order for order in standing.values() if order is not None))


async def _mend(desk: Desk, market: MarketRef) -> None:
    """Give unreadable fields the content of their rows (or drop them), and have everything looked up: it was just cancelled."""
    readable, unreadable = await hot_orders.read_readable(desk.redis, market.slug)
    log.error("orders_unreadable", market=market.slug, fields=sorted(unreadable)[:10])
    rows = await desk.database.run(open_order_rows, market.id)
    lost = {row.client_order_id: replace(row, status="UNKNOWN") for row in rows}
    await hot_orders.replace_unreadable(desk.redis, market.slug, unreadable, lost)
    merges = {order.client_order_id: _cancel_sent for order in readable if order.status == "LIVE"}
    await hot_orders.change_orders(desk.redis, market.slug, merges)


def _cancel_sent(current: HotOrder | None) -> HotOrder | None:
    if current is None or current.gone_ns or current.status != "LIVE":
        return current
    return replace(current, status="CANCEL_PENDING")
