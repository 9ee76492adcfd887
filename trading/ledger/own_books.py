"""The same account as our ledger keeps it, read in one transaction, so that fills, positions and balances belong together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import redis
from django.db import connection, transaction

from trading.hot_state.codec import HotStateCorrupt
from trading.hot_state.orders import read_open_orders_sync
from trading.ledger.valuation import waiting_movements
from trading.models import CashBalance, CashMovement, Fill, Market, Order, Position, VenueAccount

FillIdentity = tuple[str, str, str]  # market slug, trade id, order id


@dataclass(frozen=True, slots=True)
class BookedFill:
    """What must agree with the venue's record of it."""

    side: str
    price: Decimal
    size: Decimal
    fee: Decimal | None
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class MarketBooks:
    """A market's position; `waiting` is base that is booked in the balance but not valued into the position yet."""

    slug: str
    base: str
    quote: str
    q: Decimal
    waiting: Decimal


@dataclass(frozen=True, slots=True)
class OwnBooks:
    """Fills since the start of the window, transfers by id, balances by asset, orders that we believe rest or may rest."""

    since: datetime | None
    fills: dict[FillIdentity, BookedFill]
    transfers: dict[str, tuple[str, Decimal]]
    markets: tuple[MarketBooks, ...]
    balances: dict[str, Decimal]
    decimals: dict[str, int]
    live_orders: frozenset[str]
    possible_orders: frozenset[str]


def read_own_books(account: str, since: datetime | None) -> OwnBooks:
    """The ledger's side of `account`; fills executed at or after `since` (venue clock; None: all of them)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _read(account, since)


def _read(account: str, since: datetime | None) -> OwnBooks:
    row = VenueAccount.objects.get(slug=account)
    markets = list(Market.objects.filter(account=row).order_by("pk"))
    balances = CashBalance.objects.filter(account=row).select_related("asset")
    live, possible = _orders(markets)
    moves = CashMovement.objects.filter(
        account=row, kind__in=[CashMovement.Kind.DEPOSIT, CashMovement.Kind.WITHDRAWAL]
    ).values_list("key", "asset_id", "amount")
    return OwnBooks(
        since=since,
        fills=_fills(markets, since),
        transfers={key: (asset, amount) for key, asset, amount in moves},
        markets=_markets(markets),
        balances={balance.asset_id: balance.amount for balance in balances},
        decimals={balance.asset_id: balance.asset.decimals for balance in balances},
        live_orders=live,
        possible_orders=possible,
    )


def _fills(markets: list[Market], since: datetime | None) -> dict[FillIdentity, BookedFill]:
    rows = Fill.objects.filter(market__in=markets)
    if since is not None:
        rows = rows.filter(executed_at__gte=since)
    names = {market.pk: market.slug for market in markets}
    columns = ("market_id", "trade_id", "order_id", "side", "price", "size", "fee", "executed_at")
    return {
        (names[market_id], trade_id, order_id): BookedFill(side, price, size, fee, executed_at)
        for market_id, trade_id, order_id, side, price, size, fee, executed_at in rows.values_list(*columns).iterator(
            2_000
        )
    }


def _markets(markets: list[Market]) -> tuple[MarketBooks, ...]:
    held = dict(Position.objects.filter(market__in=markets).values_list("market_id", "q"))
    waiting: dict[int, Decimal] = {}
    for move in waiting_movements().filter(market__in=markets).exclude(kind=CashMovement.Kind.FEE):
        waiting[move.market_id] = waiting.get(move.market_id, Decimal(0)) + move.amount
    zero = Decimal(0)
    return tuple(
        MarketBooks(row.slug, row.base_id, row.quote_id, held.get(row.pk, zero), waiting.get(row.pk, zero))
        for row in markets
    )


def _orders(markets: list[Market]) -> tuple[frozenset[str], frozenset[str]]:
    """Client order ids that should rest, and all that may: every order has a row before its bytes leave."""
    open_rows = Order.objects.filter(market__in=markets, status__in=Order.OPEN_STATUSES)
    possible = frozenset(open_rows.values_list("client_order_id", flat=True))
    live: set[str] = set()
    by_hand: set[str] = set()
    try:
        for market in markets:
            orders = read_open_orders_sync(market.slug)
            by_hand |= {order.client_order_id for order in orders if order.foreign}
            live |= {order.client_order_id for order in orders if order.status == Order.Status.LIVE}
    except (redis.RedisError, HotStateCorrupt):
        # Without the hot state nothing is said about orders that should rest.
        live = set()
    # Orders placed by hand are told of where they are noticed, and dealt with by policy: they are no difference.
    return frozenset(live), possible | by_hand
