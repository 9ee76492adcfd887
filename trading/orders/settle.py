"""Finding out what became of orders whose outcome is unknown, and recording those that are done.

An order counts in full and blocks its slot until the venue's word. "Not found" is that word only when the request can no
longer be executed: after its deadline plus a clock margin, or, on a venue without deadlines, three looks over ten seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice

import structlog
from django.db import DatabaseError

from trading import metrics
from trading.clock import to_datetime
from trading.hot_state import orders as hot_orders
from trading.hot_state.inbox import read_pending
from trading.hot_state.lease import CLOCK_MARGIN_S
from trading.hot_state.market import push_poll_request
from trading.hot_state.orders import GONE_KEPT_S, merge_venue_order
from trading.hot_state.values import HotOrder
from trading.orders.desk import Desk
from trading.orders.records import OrderRecord, booked_fills, booked_fills_of, fills_known, record_of, write_records
from trading.registry.selectors import MarketRef
from trading.venues.interface import OrderState, OwnOrder, Venue, VenueError

log = structlog.get_logger(__name__)
UNSETTLED = frozenset({"INTENT", "UNKNOWN", "CANCEL_PENDING"})
LOOKS_WITHOUT_DEADLINE = 3
LOOKS_OVER_S = 10.0
QUERIES_PER_CYCLE = 10
# The first look is the next cycle's, whatever the tick; after that one order is not asked for more often than this.
INFLIGHT_CHECK_EVERY_MS = 500
# A venue answers within its deadline and margin, or within the looks; an order in doubt for longer is alarmed.
INFLIGHT_OVERDUE_MS = 15_000
# A fill that inventory does not show by then has to be fetched; asked for again at this distance.
FILL_EXPECTED_S = 2.0
ASK_AGAIN_S = 10.0


@dataclass(slots=True)
class Looks:
    """How often and since when this process looked for orders in vain; a restart begins anew, which only takes longer."""

    found_nothing: dict[str, list[int]] = field(default_factory=dict)
    doubted_ns: dict[str, int] = field(default_factory=dict)
    looked_s: dict[str, float] = field(default_factory=dict)
    overdue: set[str] = field(default_factory=set)
    history_asked_s: dict[str, float] = field(default_factory=dict)

    def note(self, client_order_id: str, now_ns: int) -> tuple[int, float]:
        """Looks so far, and the seconds between the first and this one."""
        times = self.found_nothing.setdefault(client_order_id, [])
        times.append(now_ns)
        return len(times), (now_ns - times[0]) / 1e9

    def is_due(self, client_order_id: str, now_ns: int, now_s: float) -> bool:
        """Whether to look for it now; if so, this is the look."""
        self.doubted_ns.setdefault(client_order_id, now_ns)
        last_s = self.looked_s.get(client_order_id)
        if last_s is not None and (now_s - last_s) * 1e3 < INFLIGHT_CHECK_EVERY_MS:
            return False
        self.looked_s[client_order_id] = now_s
        return True

    def is_newly_overdue(self, client_order_id: str, now_ns: int) -> bool:
        """Whether it has been in doubt for too long, said once."""
        age_ms = (now_ns - self.doubted_ns.get(client_order_id, now_ns)) / 1e6
        if age_ms <= INFLIGHT_OVERDUE_MS or client_order_id in self.overdue:
            return False
        self.overdue.add(client_order_id)
        return True

    def forget(self, client_order_id: str) -> None:
        """It was found, or is settled."""
        self.found_nothing.pop(client_order_id, None)

    def settled(self, client_order_id: str, now_ns: int) -> float | None:
        """Its outcome is known: seconds since this process first doubted it, None if it never did."""
        self.forget(client_order_id)
        self.looked_s.pop(client_order_id, None)
        self.overdue.discard(client_order_id)
        since_ns = self.doubted_ns.pop(client_order_id, None)
        return None if since_ns is None else (now_ns - since_ns) / 1e9


def needs_settling(order: HotOrder) -> bool:
    """Its outcome is not known (an amend under way included)."""
    return order.gone_ns == 0 and (order.status in UNSETTLED or order.amend_price is not None)


async def settle(desk: Desk, venue: Venue, slug: str, orders: Sequence[HotOrder], looks: Looks) -> tuple[HotOrder, ...]:
    """Look up every order that needs it (at most `QUERIES_PER_CYCLE`); the orders as they stand afterwards."""
    doubtful = [order for order in orders if needs_settling(order)]
    _count(desk, slug, doubtful, looks)
    now_ns, now_s = desk.clock.now_ns(), desk.clock.monotonic_s()
    for order in orders:
        if not needs_settling(order):
            _observe(slug, order, looks, now_ns)  # the stream told
    waiting = (order for order in doubtful if looks.is_due(order.client_order_id, now_ns, now_s))
    due = list(islice(waiting, QUERIES_PER_CYCLE))
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
        if settled is not None and not needs_settling(settled):
            _observe(slug, settled, looks, now_ns)
    await _write(desk, slug, changed)
    return tuple(changed.get(order.client_order_id, order) for order in orders)


def _count(desk: Desk, slug: str, doubtful: Sequence[HotOrder], looks: Looks) -> None:
    """How many orders of the market are in doubt, and which of them for too long."""
    words = Counter("AMEND" if order.amend_price is not None else order.status for order in doubtful)
    for word in (*sorted(UNSETTLED), "AMEND"):
        metrics.ORDERS_IN_DOUBT.labels(slug, word).set(words[word])
    now_ns = desk.clock.now_ns()
    for order in doubtful:
        if looks.is_newly_overdue(order.client_order_id, now_ns):
            metrics.ORDERS_OVERDUE.labels(slug).inc()
            log.error("order_outcome_overdue", market=slug, client_order_id=order.client_order_id, status=order.status)


def _observe(slug: str, settled: HotOrder, looks: Looks, now_ns: int) -> None:
    seconds = looks.settled(settled.client_order_id, now_ns)
    if seconds is not None:
        metrics.ORDER_DOUBT_SECONDS.labels(slug, settled.status).observe(seconds)


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


async def retire(desk: Desk, market: MarketRef, orders: Sequence[HotOrder], looks: Looks) -> tuple[HotOrder, ...]:
    """Write done orders to PostgreSQL; forget those that were kept long enough for netting and whose fills inventory is known
    to contain. The orders that remain."""
    slug = market.slug
    known = await _note_counted(desk, market, orders, looks)
    old_ns = desk.clock.now_ns() - round(GONE_KEPT_S * 1e9)
    done = [order for order in known if 0 < order.gone_ns < old_ns]
    if not done or not await _keep(desk, slug, [record_of(order) for order in done]):
        return known
    counted = {order.client_order_id for order in done if order.filled <= order.settled_filled}
    await hot_orders.drop_orders(desk.redis, slug, counted)
    return tuple(order for order in known if order.client_order_id not in counted)


async def _note_counted(
    desk: Desk, market: MarketRef, orders: Sequence[HotOrder], looks: Looks
) -> tuple[HotOrder, ...]:
    """Note how much of each order's fills inventory contains by now. It is known to the next cycle, whose position is read
    after this: so a fill may be counted twice for a moment, and is never left out."""
    open_fills = {order.client_order_id: order for order in orders if order.filled > order.settled_filled}
    if not open_fills:
        return tuple(orders)
    try:
        counted = await _counted(desk, market.slug, open_fills.values())
    except DatabaseError as problem:
        log.warning("fills_not_compared", market=market.slug, problem=type(problem).__name__)
        return tuple(orders)
    merges = {key: _with_settled(counted.get(key, Decimal(0))) for key in open_fills}
    standing = await hot_orders.change_orders(desk.redis, market.slug, merges)
    now = [standing.get(order.client_order_id) or order for order in orders]
    await _ask_for_history(desk, market, now, looks)
    return tuple(now)


async def _counted(desk: Desk, slug: str, orders: Collection[HotOrder]) -> dict[str, Decimal]:
    """Filled size by order that the ledger has booked or holds as pending. PostgreSQL is asked first: what is booked in
    between is found in neither rather than in both."""
    by_venue_id = {order.venue_order_id: order.client_order_id for order in orders if order.venue_order_id}
    booked = await desk.database.run(booked_fills, [order.client_order_id for order in orders])
    by_hand = {one.venue_order_id: one.client_order_id for one in orders if one.foreign and one.venue_order_id}
    if by_hand:
        booked += await desk.database.run(booked_fills_of, by_hand, slug)
    total: dict[str, Decimal] = {}
    for fill in booked:
        total[fill.client_order_id] = total.get(fill.client_order_id, Decimal(0)) + fill.size
    seen = {(fill.trade_id, fill.order_id) for fill in booked}
    for key, signed in (await read_pending(desk.redis, slug)).items():
        _, trade_id, order_id = key.rsplit("|", 2)
        if order_id in by_venue_id and (trade_id, order_id) not in seen:
            name = by_venue_id[order_id]
            total[name] = total.get(name, Decimal(0)) + abs(signed)
    return total


def _with_settled(counted: Decimal) -> hot_orders.Merge:
    def merge(current: HotOrder | None) -> HotOrder | None:
        if current is None:
            return None
        return replace(current, settled_filled=max(current.settled_filled, min(counted, current.filled)))

    return merge


async def _ask_for_history(desk: Desk, market: MarketRef, orders: Sequence[HotOrder], looks: Looks) -> None:
    """Fills that no stream brought are in the account's history."""
    due_ns = desk.clock.now_ns() - round(FILL_EXPECTED_S * 1e9)
    missing = [order for order in orders if order.filled > order.settled_filled and order.updated_ns <= due_ns]
    now_s = desk.clock.monotonic_s()
    last_s = looks.history_asked_s.get(market.slug)
    if not missing or (last_s is not None and now_s - last_s < ASK_AGAIN_S):
        return
    looks.history_asked_s[market.slug] = now_s
    ids = [order.client_order_id for order in missing]
    log.warning("fills_not_in_inventory", market=market.slug, orders=ids)
    await push_poll_request(desk.redis, market.account, f"fills missing of {ids[0]}")
