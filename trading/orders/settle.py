"""Finding out what became of orders whose outcome is unknown, and recording those that are done.

An order counts in full and blocks its slot until the venue's word. "Not found" is that word only when the request can no
longer be executed: after its deadline plus a clock margin, or, on a venue without deadlines, three looks over ten seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog
from django.db import DatabaseError

from trading.clock import to_datetime
from trading.hot_state import orders as hot_orders
from trading.hot_state.lease import CLOCK_MARGIN_S
from trading.hot_state.orders import GONE_KEPT_S, merge_venue_order
from trading.hot_state.values import HotOrder
from trading.orders.desk import Desk
from trading.orders.records import OrderRecord, fills_known, record_of, write_records
from trading.venues.interface import OrderState, OwnOrder, Venue, VenueError

log = structlog.get_logger(__name__)
UNSETTLED = frozenset({"INTENT", "UNKNOWN", "CANCEL_PENDING"})
LOOKS_WITHOUT_DEADLINE = 3
LOOKS_OVER_S = 10.0
QUERIES_PER_CYCLE = 10


@dataclass(slots=True)
class Looks:
    """How often and since when this process looked for orders in vain; a restart begins anew, which only takes longer."""

    found_nothing: dict[str, list[int]] = field(default_factory=dict)

    def note(self, client_order_id: str, now_ns: int) -> tuple[int, float]:
        """Looks so far, and the seconds between the first and this one."""
        times = self.found_nothing.setdefault(client_order_id, [])
        times.append(now_ns)
        return len(times), (now_ns - times[0]) / 1e9

    def forget(self, client_order_id: str) -> None:
        self.found_nothing.pop(client_order_id, None)


def needs_settling(order: HotOrder) -> bool:
    """Its outcome is not known (an amend under way included)."""
    return order.gone_ns == 0 and (order.status in UNSETTLED or order.amend_price is not None)


async def settle(desk: Desk, venue: Venue, slug: str, orders: Sequence[HotOrder], looks: Looks) -> tuple[HotOrder, ...]:
    """Look up every order that needs it (at most `QUERIES_PER_CYCLE`); the orders as they stand afterwards."""
    due = [order for order in orders if needs_settling(order)][:QUERIES_PER_CYCLE]
    if not due:
        return tuple(orders)
    told = await asyncio.gather(*(_look(venue, slug, order) for order in due))
    booked = await _booked(desk, [order.client_order_id for order in due])
    now_ns = desk.clock.now_ns()
    changed: dict[str, HotOrder] = {}
    for order, (answered, found) in zip(due, told, strict=True):
        if not answered:
            continue
        settled = _settled(order, found, order.client_order_id in booked, venue, looks, now_ns)
        if settled is not None:
            changed[order.client_order_id] = settled
    await _write(desk, slug, changed)
    return tuple(changed.get(order.client_order_id, order) for order in orders)


async def _booked(desk: Desk, ids: list[str]) -> set[str]:
    """Ids with a booked fill; all of them while that can't be asked, which only makes the wait longer."""
    try:
        return await desk.database.run(fills_known, ids)
    except DatabaseError:
        return set(ids)


async def _look(venue: Venue, slug: str, order: HotOrder) -> tuple[bool, OwnOrder | None]:
    """(the venue answered, the order if it knows it). Looked for by id, then among the open orders."""
    try:
        found = await venue.fetch_order(slug, order.client_order_id)
        if found is None:
            resting = await venue.fetch_open_orders(slug)
            found = next((one for one in resting if one.client_order_id == order.client_order_id), None)
    except VenueError:
        return False, None
    return True, found


def _settled(
    order: HotOrder, found: OwnOrder | None, has_fill: bool, venue: Venue, looks: Looks, now_ns: int
) -> HotOrder | None:
    """The order as it stands now that the venue said `found`; None while that settles nothing."""
    too_late = now_ns > order.deadline_ns + round(CLOCK_MARGIN_S * 1e9)
    if found is not None:
        looks.forget(order.client_order_id)
        return _settled_by_answer(order, found, too_late, now_ns)
    count, seconds = looks.note(order.client_order_id, now_ns)
    if not venue.capabilities.deadline:
        too_late = count >= LOOKS_WITHOUT_DEADLINE and seconds >= LOOKS_OVER_S
    # A booked fill proves that the order was accepted: it stays until the venue tells what became of the rest.
    if not too_late or (has_fill and count < LOOKS_WITHOUT_DEADLINE):
        return None
    looks.forget(order.client_order_id)
    return replace(order, status="CANCELLED", gone_ns=now_ns, amend_price=None, amend_size=None)


def _settled_by_answer(order: HotOrder, found: OwnOrder, too_late: bool, now_ns: int) -> HotOrder | None:
    merged = merge_venue_order(order, found, now_ns)
    if merged is None or merged.gone_ns or found.state is not OrderState.OPEN:
        return merged
    if merged.amend_price is not None:
        # Still at the old price: the amend may arrive until its deadline, after that it never will.
        return replace(merged, amend_price=None, amend_size=None, status="LIVE") if too_late else None
    if merged.status == "CANCEL_PENDING":
        # A cancel carries no deadline: shown as open, the order counts as resting and may be cancelled again.
        return replace(merged, status="LIVE")
    return merged


async def _write(desk: Desk, slug: str, changed: dict[str, HotOrder]) -> None:
    if not changed:
        return

    def forward(settled: HotOrder) -> hot_orders.Merge:
        return lambda current: current if current is not None and current.gone_ns else settled

    await hot_orders.change_orders(desk.redis, slug, {key: forward(order) for key, order in changed.items()})
    await _keep(desk, slug, [record_of(order, "settled by query") for order in changed.values()])


async def _keep(desk: Desk, slug: str, records: list[OrderRecord]) -> bool:
    """Write to PostgreSQL; False while it is away (the hot state has the truth, and cancels must go on)."""
    try:
        await desk.database.run(write_records, records, to_datetime(desk.clock.now_ns()))
    except DatabaseError as problem:
        log.warning("orders_not_recorded", market=slug, problem=type(problem).__name__)
        return False
    return True


async def retire(desk: Desk, slug: str, orders: Sequence[HotOrder]) -> None:
    """Write done orders to PostgreSQL and forget them once they were kept long enough for netting and the inbox."""
    old_ns = desk.clock.now_ns() - round(GONE_KEPT_S * 1e9)
    done = [order for order in orders if 0 < order.gone_ns < old_ns]
    if not done:
        return
    if await _keep(desk, slug, [record_of(order) for order in done]):
        await hot_orders.drop_orders(desk.redis, slug, [order.client_order_id for order in done])
