"""What became of orders, written to PostgreSQL in one statement. A final status never changes again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import structlog
from django.db import connection, transaction

from trading import metrics
from trading.events.services import record
from trading.hot_state.values import HotOrder
from trading.models import Fill, LeaseEpoch, Market, Order
from trading.storable import storable_text

log = structlog.get_logger(__name__)
FINAL_STATUSES = frozenset({"FILLED", "CANCELLED", "REJECTED", "NOT_SENT"})


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """State of one order after an answer, a query or the own-order stream."""

    client_order_id: str
    status: str
    venue_order_id: str
    price: Decimal
    size: Decimal
    filled: Decimal
    amend_price: Decimal | None
    amend_size: Decimal | None
    reason: str = ""


_UPDATE = """
UPDATE orders SET status = r.status, venue_order_id = CASE WHEN r.venue_id = '' THEN venue_order_id ELSE r.venue_id END,
    price = r.price, size = r.size, filled = greatest(orders.filled, r.filled), amend_price = r.amend_price,
    amend_size = r.amend_size, reason = CASE WHEN r.reason = '' THEN orders.reason ELSE left(r.reason, 200) END,
    updated_at = %(now)s
FROM jsonb_to_recordset(%(records)s::jsonb) AS r(id text, status text, venue_id text, price numeric, size numeric,
    filled numeric, amend_price numeric, amend_size numeric, reason text)
WHERE orders.client_order_id = r.id AND orders.status IN ('INTENT', 'LIVE', 'CANCEL_PENDING', 'UNKNOWN')
RETURNING orders.client_order_id, orders.market_id, orders.reason
"""
# What a venue says of an order that its own timer cancelled, because nobody renewed it.
TIMER = "cancel_after"


def record_of(order: HotOrder, reason: str = "") -> OrderRecord:
    """The order as it stands; what the venue said of its end goes before `reason`."""
    return OrderRecord(
        order.client_order_id,
        order.status,
        order.venue_order_id,
        order.price,
        order.size,
        order.filled,
        order.amend_price,
        order.amend_size,
        order.ended_by or reason,
    )


def write_records(records: Sequence[OrderRecord], now: datetime) -> int:
    """Write `records`; how many rows changed. What a venue's timer ended is told by an event in the same transaction."""
    if not records:
        return 0
    if not any(each.reason == TIMER for each in records):
        return len(_write(records, now))
    with transaction.atomic():
        changed = _write(records, now)
        _tell_of_timer([(name, market) for name, market, reason in changed if reason == TIMER], now)
    return len(changed)


def _tell_of_timer(ended: Sequence[tuple[str, int]], now: datetime) -> None:
    slugs = dict(Market.objects.filter(pk__in={market for _, market in ended}).values_list("pk", "slug"))
    for market, slug in sorted(slugs.items()):
        names = sorted(name for name, of in ended if of == market)
        record(f"market:{slug}", "order.timer_cancelled", {"market": slug, "orders": names}, occurred_at=now)
        # Told when it is so: a transaction that is taken back is tried again, and would count twice.
        transaction.on_commit(partial(_count_timer, slug, names), robust=True)


def _count_timer(slug: str, names: Sequence[str]) -> None:
    metrics.ORDERS_ENDED_BY_TIMER.labels(slug).inc(len(names))
    log.warning("orders_cancelled_by_timer", market=slug, orders=names)


def _write(records: Sequence[OrderRecord], now: datetime) -> list[tuple[str, int, str]]:
    body = json.dumps(
        [
            {
                "id": each.client_order_id,
                "status": each.status,
                "venue_id": storable_text(each.venue_order_id),
                "price": str(each.price),
                "size": str(each.size),
                "filled": str(each.filled),
                "amend_price": None if each.amend_price is None else str(each.amend_price),
                "amend_size": None if each.amend_size is None else str(each.amend_size),
                "reason": storable_text(each.reason),
            }
            for each in records
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {"records": body, "now": now})
        return list(cursor.fetchall())


def open_order_rows(market_id: int) -> tuple[HotOrder, ...]:
    """Orders that PostgreSQL believes may rest or fill, as hot orders."""
    return open_orders_of([market_id]).get(market_id, ())


def open_orders_of(market_ids: Sequence[int]) -> dict[int, tuple[HotOrder, ...]]:
    """The same for several markets at once, by market."""
    found: dict[int, tuple[HotOrder, ...]] = {}
    rows = Order.objects.filter(market_id__in=market_ids, status__in=list(Order.OPEN_STATUSES))
    for row in rows.order_by("client_order_id"):
        found[row.market_id] = (*found.get(row.market_id, ()), _hot(row))
    return found


def last_fill_prices(market_ids: Sequence[int]) -> dict[int, Decimal]:
    """Price of each market's latest fill; markets without a fill are missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id, f.price FROM unnest(%s::bigint[]) AS m(id) CROSS JOIN LATERAL (SELECT price FROM fills"
            " WHERE market_id = m.id ORDER BY executed_at DESC LIMIT 1) f",
            [list(market_ids)],
        )
        return dict(cursor.fetchall())


def _hot(row: Order) -> HotOrder:
    return HotOrder(
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        side=row.side,
        level=row.level,
        epoch=row.epoch,
        price=row.price,
        size=row.size,
        filled=row.filled,
        status=row.status,
        deadline_ns=0 if row.deadline_at is None else round(row.deadline_at.timestamp() * 1e9),
        updated_ns=round(row.updated_at.timestamp() * 1e9),
        amend_price=row.amend_price,
        amend_size=row.amend_size,
    )


def ever_leased(slug: str) -> bool:
    """Whether any process ever held the market's lease."""
    return LeaseEpoch.objects.filter(market=slug).exists()


def next_epoch(slug: str, owner: str, now: datetime) -> int:
    """A new epoch, larger than all before, granted to `owner` on the market."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lease_epochs (epoch, market, owner, granted_at) "
            "VALUES (nextval('lease_epoch_seq'), %s, %s, %s) RETURNING epoch",
            [slug, owner[:120], now],
        )
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class BookedFill:
    client_order_id: str
    trade_id: str
    order_id: str
    size: Decimal


def booked_fills(client_order_ids: Iterable[str]) -> list[BookedFill]:
    """What the ledger has booked of these orders. Searched from when each order was made, give or take the clocks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.client_order_id, f.trade_id, f.order_id, f.size FROM orders o JOIN fills f"
            " ON f.market_id = o.market_id AND f.client_order_id = o.client_order_id"
            " AND f.executed_at >= o.created_at - interval '1 minute' WHERE o.client_order_id = ANY(%s)",
            [list(client_order_ids)],
        )
        return [BookedFill(*row) for row in cursor.fetchall()]


def booked_fills_of(venue_order_ids: Mapping[str, str], slug: str) -> list[BookedFill]:
    """What the ledger has booked of orders that have no row here, by the venue's order id → the id we hold them under."""
    if not venue_order_ids:
        return []
    rows = Fill.objects.filter(market__slug=slug, order_id__in=list(venue_order_ids))
    found = rows.values_list("order_id", "trade_id", "size")
    return [BookedFill(venue_order_ids[order], trade, order, size) for order, trade, size in found]


def fills_known(client_order_ids: Iterable[str]) -> set[str]:
    """Those of the ids of which the ledger has booked a fill."""
    return set(
        Fill.objects.filter(client_order_id__in=list(client_order_ids)).values_list("client_order_id", flat=True)
    )
