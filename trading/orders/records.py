"""What became of orders, written to PostgreSQL in one statement. A final status never changes again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from trading.hot_state.values import HotOrder
from trading.models import Fill, LeaseEpoch, Order
from trading.storable import storable_text

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
"""


def record_of(order: HotOrder, reason: str = "") -> OrderRecord:
    return OrderRecord(
        order.client_order_id,
        order.status,
        order.venue_order_id,
        order.price,
        order.size,
        order.filled,
        order.amend_price,
        order.amend_size,
        reason,
    )


def write_records(records: Sequence[OrderRecord], now: datetime) -> int:
    """Write `records`; how many rows changed."""
    if not records:
        return 0
    body = json.dumps(
        [
            {
                "id": record.client_order_id,
                "status": record.status,
                "venue_id": storable_text(record.venue_order_id),
                "price": str(record.price),
                "size": str(record.size),
                "filled": str(record.filled),
                "amend_price": None if record.amend_price is None else str(record.amend_price),
                "amend_size": None if record.amend_size is None else str(record.amend_size),
                "reason": storable_text(record.reason),
            }
            for record in records
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {"records": body, "now": now})
        return int(cursor.rowcount)


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
