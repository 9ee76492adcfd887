"""Clearing a venue of orders of lower epochs before a new epoch quotes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from trading.clock import to_datetime
from trading.hot_state import orders as hot_orders
from trading.hot_state.orders import merge_venue_order
from trading.hot_state.values import HotOrder
from trading.orders.client_ids import parse_client_order_id
from trading.orders.desk import Desk
from trading.orders.foreign import ForeignPolicy
from trading.orders.records import open_order_rows, record_of, write_records
from trading.venues.interface import OwnOrder, Venue, VenueError

ROUNDS = 10
PAUSE_S = 0.1
ASKED_AT_ONCE = 10
ADOPT = ForeignPolicy.ADOPT.value


class SweepFailed(Exception):
    """The venue still shows orders of lower epochs, or could not be asked."""


async def sweep(venue: Venue, slug: str, epoch: int, left: Collection[str] = ()) -> int:
    """Cancel every own order of the market that is not of `epoch` or a later one, until the venue shows none; how many.

    `left`: client order ids of orders placed by hand that stay, by the account's policy.
    Raises `SweepFailed` after `ROUNDS` rounds, VenueError when the venue can't be asked.
    """
    cancelled: set[str] = set()
    for _ in range(ROUNDS):
        resting = [order for order in await venue.fetch_open_orders(slug) if order.client_order_id not in left]
        stale = [order for order in resting if _epoch(order) < epoch]
        if not stale:
            return len(cancelled)
        await asyncio.gather(*(_cancel(venue, slug, order) for order in stale))
        cancelled.update(order.client_order_id for order in stale)
        await asyncio.sleep(PAUSE_S)
    raise SweepFailed(f"{slug}: orders of epochs before {epoch} still rest at the venue after {ROUNDS} rounds")


def _epoch(order: OwnOrder) -> int:
    parts = parse_client_order_id(order.client_order_id)
    return 0 if parts is None else parts.epoch


async def _cancel(venue: Venue, slug: str, order: OwnOrder) -> None:
    try:
        await venue.cancel_order(slug, order.client_order_id)
    except VenueError:
        return  # the next round asks the venue again: only what it shows counts


async def settle_predecessors(desk: Desk, venue: Venue, slug: str, market_id: int, epoch: int) -> int:
    """Write what became of every order that an earlier epoch left open; how many there were.

    Called after the wait and the sweep: a request of theirs can no longer be executed, so "not found" is final.
    """
    rows = {order.client_order_id: order for order in await desk.database.run(open_order_rows, market_id)}
    readable, unreadable = await hot_orders.read_readable(desk.redis, slug)
    await hot_orders.replace_unreadable(desk.redis, slug, unreadable, {})
    hot = {order.client_order_id: order for order in readable if order.gone_ns == 0 and order.foreign != ADOPT}
    left = [order for order in {**rows, **hot}.values() if order.epoch < epoch]
    # Few at a time, each part written before the next: a venue that has enough of the asking does not undo what is done.
    for start in range(0, len(left), ASKED_AT_ONCE):
        part = left[start : start + ASKED_AT_ONCE]
        told = await asyncio.gather(*(venue.fetch_order(slug, order.client_order_id) for order in part))
        now_ns = desk.clock.now_ns()
        await _write(desk, slug, [_final(order, found, now_ns) for order, found in zip(part, told, strict=True)])
    return len(left)


def _final(order: HotOrder, found: OwnOrder | None, now_ns: int) -> HotOrder:
    merged = order if found is None else merge_venue_order(order, found, now_ns) or order
    if merged.gone_ns:
        return merged
    return replace(merged, status="CANCELLED", gone_ns=now_ns, amend_price=None, amend_size=None)


async def _write(desk: Desk, slug: str, done: Sequence[HotOrder]) -> None:
    if not done:
        return
    async with desk.redis.pipeline(transaction=False) as pipe:
        hot_orders.queue_put(pipe, slug, done)
        await pipe.execute()
    records = [record_of(order, "settled by the successor") for order in done]
    await desk.database.run(write_records, records, to_datetime(desk.clock.now_ns()))
