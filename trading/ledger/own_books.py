"""The same account as our ledger keeps it, read in one transaction, so that fills, positions and balances belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import redis
from django.db import connection, transaction

from trading.hot_state.codec import HotStateCorrupt
from trading.hot_state.orders import read_open_orders_sync
from trading.ledger.valuation import waiting_movements
from trading.ledger.venue_books import FillIdentity
from trading.models import Asset, CashBalance, CashMovement, Fill, Market, Order, Position, VenueAccount


@dataclass(frozen=True, slots=True)
class BookedFill:
    """What must agree with the venue's record of it. `fee_waits`: it left the balance, and waits for a rate."""

    side: str
    price: Decimal
    size: Decimal
    fee: Decimal | None
    executed_at: datetime
    fee_waits: bool = False


@dataclass(frozen=True, slots=True)
class BookedTransfer:
    """A deposit (positive) or withdrawal (negative)."""

    asset: str
    amount: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class Since:
    """Start of the window on the ledger's side, by channel (venue clock); None is the beginning."""

    fills: datetime | None = None
    transfers: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarketBooks:
    """A market's position; `waiting` is base that is booked in the balance but not valued into the position yet. A perpetual
    has no part in any balance of its base."""

    slug: str
    base: str
    quote: str
    q: Decimal
    waiting: Decimal
    is_perpetual: bool = False


@dataclass(frozen=True, slots=True)
class OwnBooks:
    """Fills and transfers (by id) since the start of the window, balances by asset (0 for one that is traded and was never held),
    orders that we believe rest or may rest, funding by market and payment id."""

    since: Since
    fills: dict[FillIdentity, BookedFill]
    transfers: dict[str, BookedTransfer]
    markets: tuple[MarketBooks, ...]
    balances: dict[str, Decimal]
    decimals: dict[str, int]
    live_orders: frozenset[str]
    possible_orders: frozenset[str]
    funding: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def market(self, slug: str) -> MarketBooks | None:
        """The account's market of that slug."""
        return next((market for market in self.markets if market.slug == slug), None)


def read_own_books(account: str, since: Since) -> OwnBooks:
    """The ledger's side of `account`; fills and transfers executed at or after `since`."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _read(account, since)


def _read(account: str, since: Since) -> OwnBooks:
    row = VenueAccount.objects.get(slug=account)
    markets = list(Market.objects.filter(account=row).order_by("pk"))
    traded = {row.base_id for row in markets if not _is_perpetual(row)} | {row.quote_id for row in markets}
    balances = dict.fromkeys(sorted(traded), Decimal(0))
    balances |= dict(CashBalance.objects.filter(account=row).values_list("asset_id", "amount"))
    live, possible = _orders(markets)
    return OwnBooks(
        since=since,
        fills=_fills(markets, since.fills),
        transfers=_transfers(row, since.transfers),
        markets=_markets(markets),
        balances=balances,
        decimals=dict(Asset.objects.filter(pk__in=balances).values_list("pk", "decimals")),
        live_orders=live,
        possible_orders=possible,
        funding=booked_funding(markets),
    )


def _fills(markets: list[Market], since: datetime | None) -> dict[FillIdentity, BookedFill]:
    rows = Fill.objects.filter(market__in=markets)
    if since is not None:
        rows = rows.filter(executed_at__gte=since)
    names = {market.pk: market.slug for market in markets}
    waiting = _fees_without_rate(markets)
    columns = ("market_id", "symbol", "trade_id", "order_id", "side", "price", "size", "fee", "executed_at")
    found = {}
    for market_id, symbol, trade_id, order_id, *values, executed_at in rows.values_list(*columns).iterator(2_000):
        side, price, size, fee = values
        fee_waits = fee is None and (market_id, f"{symbol}|{trade_id}|{order_id}") in waiting
        found[names[market_id], trade_id, order_id] = BookedFill(side, price, size, fee, executed_at, fee_waits)
    return found


def _fees_without_rate(markets: list[Market]) -> set[tuple[int, str]]:
    """(market id, key) of fees that left the balance and wait for a rate."""
    rows = waiting_movements().filter(market__in=markets, kind=CashMovement.Kind.FEE)
    return {(market_id, key) for market_id, key in rows.values_list("market_id", "key") if market_id is not None}


def _transfers(account: VenueAccount, since: datetime | None) -> dict[str, BookedTransfer]:
    rows = CashMovement.objects.filter(
        account=account, kind__in=[CashMovement.Kind.DEPOSIT, CashMovement.Kind.WITHDRAWAL]
    )
    if since is not None:
        rows = rows.filter(executed_at__gte=since)
    return {
        key: BookedTransfer(asset, amount, executed_at)
        for key, asset, amount, executed_at in rows.values_list("key", "asset_id", "amount", "executed_at")
    }


def _markets(markets: list[Market]) -> tuple[MarketBooks, ...]:
    held = dict(Position.objects.filter(market__in=markets).values_list("market_id", "q"))
    waiting: dict[int, Decimal] = {}
    for move in waiting_movements().filter(market__in=markets).exclude(kind=CashMovement.Kind.FEE):
        waiting[move.market_id] = waiting.get(move.market_id, Decimal(0)) + move.amount
    zero = Decimal(0)
    return tuple(
        MarketBooks(
            row.slug,
            row.base_id,
            row.quote_id,
            held.get(row.pk, zero),
            waiting.get(row.pk, zero),
            _is_perpetual(row),
        )
        for row in markets
    )


def _is_perpetual(market: Market) -> bool:
    return bool(market.instrument == Market.Instrument.LINEAR_PERPETUAL)


def booked_funding(markets: Iterable[Market]) -> dict[tuple[str, str], Decimal]:
    """Amounts by market slug and payment id: some dozens of rows a day and perpetual."""
    found: dict[tuple[str, str], Decimal] = {}
    for market in markets:
        if not _is_perpetual(market):
            continue
        # By the columns of the unique index, in its order.
        rows = CashMovement.objects.filter(
            account=market.account_id, asset=market.quote_id, kind=CashMovement.Kind.FUNDING, market=market
        )
        prefix = f"{market.venue_symbol}|"
        found |= {(market.slug, key.removeprefix(prefix)): amount for key, amount in rows.values_list("key", "amount")}
    return found


def _orders(markets: list[Market]) -> tuple[frozenset[str], frozenset[str]]:
    """Client order ids that should rest, and all that may: every order has a row before its bytes leave."""
    open_rows = Order.objects.filter(market__in=markets, status__in=Order.OPEN_STATUSES)
    possible = frozenset(open_rows.values_list("client_order_id", flat=True))
    live: set[str] = set()
    try:
        for market in markets:
            orders = read_open_orders_sync(market.slug)
            live |= {order.client_order_id for order in orders if order.status == Order.Status.LIVE}
    except (redis.RedisError, HotStateCorrupt):
        # Without the hot state nothing is said about orders that should rest.
        live = set()
    return frozenset(live), possible
