"""Tables of the venue's ledger and the mapping between their rows and the engine's values. Money is TEXT, exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading.sandbox.contracts import Holding
from trading.sandbox.types import Fill, Funding, Order, OrderStatus, OrderType, Side, Transfer

SCHEMA_VERSION = 2  # 2: positions and funding of perpetuals, what a fill realised
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    order_id INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL, filled TEXT NOT NULL,
    notional TEXT NOT NULL, status TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    cancel_reason TEXT NOT NULL, priority INTEGER NOT NULL, UNIQUE (account, client_order_id)
);
CREATE INDEX IF NOT EXISTS orders_open ON orders (priority) WHERE status IN ('open', 'partially_filled');
CREATE INDEX IF NOT EXISTS orders_account ON orders (account, order_id);
CREATE TABLE IF NOT EXISTS fills (
    seq INTEGER PRIMARY KEY, trade_id TEXT NOT NULL, order_id INTEGER NOT NULL, client_order_id TEXT NOT NULL,
    account TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL,
    fee TEXT NOT NULL, fee_asset TEXT NOT NULL, liquidity TEXT NOT NULL, ts_ns INTEGER NOT NULL,
    realised_pnl TEXT
);
CREATE INDEX IF NOT EXISTS fills_account ON fills (account, seq);
CREATE INDEX IF NOT EXISTS fills_order ON fills (order_id);
CREATE TABLE IF NOT EXISTS transfers (
    seq INTEGER PRIMARY KEY, transfer_id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, ts_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS transfers_account ON transfers (account, seq);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, total TEXT NOT NULL, PRIMARY KEY (account, asset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    account TEXT NOT NULL, symbol TEXT NOT NULL, size TEXT NOT NULL, entry_price TEXT NOT NULL,
    realised_pnl TEXT NOT NULL, updated_ns INTEGER NOT NULL, PRIMARY KEY (account, symbol)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS funding (
    seq INTEGER PRIMARY KEY, funding_id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, symbol TEXT NOT NULL,
    asset TEXT NOT NULL, amount TEXT NOT NULL, rate TEXT NOT NULL, mark_price TEXT NOT NULL, size TEXT NOT NULL,
    funding_ns INTEGER NOT NULL, ts_ns INTEGER NOT NULL, UNIQUE (account, symbol, funding_ns)
);
CREATE INDEX IF NOT EXISTS funding_account ON funding (account, seq);
CREATE TABLE IF NOT EXISTS timers (account TEXT PRIMARY KEY, trigger_ns INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
# What a ledger of an older version lacks, by the version that has it.
UPGRADES = {2: "ALTER TABLE fills ADD COLUMN realised_pnl TEXT"}
ORDER_COLUMNS = (
    "order_id",
    "client_order_id",
    "account",
    "symbol",
    "side",
    "type",
    "price",
    "size",
    "filled",
    "notional",
    "status",
    "created_ns",
    "updated_ns",
    "cancel_reason",
    "priority",
)
# sqlite3 hands rows over untyped; the schema above fixes each column's type.
Row = tuple[Any, ...]
OrderRow = tuple[int | str, ...]
AVERAGE_STEP = Decimal("1E-12")


def average_price(notional: Decimal, filled: Decimal) -> Decimal | None:
    """Volume-weighted price to 12 decimals, None before a fill."""
    if not filled:
        return None
    return Decimal(format((notional / filled).quantize(AVERAGE_STEP).normalize(), "f"))


def order_to_row(order: Order, notional: Decimal, priority: int) -> OrderRow:
    return (
        int(order.order_id),
        order.client_order_id,
        order.account,
        order.symbol,
        order.side.value,
        order.type.value,
        str(order.price),
        str(order.size),
        str(order.filled),
        str(notional),
        order.status.value,
        order.created_ns,
        order.updated_ns,
        order.cancel_reason,
        priority,
    )


def order_from_row(row: Row) -> tuple[Order, Decimal, int]:
    """(order, filled notional in quote, priority)."""
    filled, notional = Decimal(row[8]), Decimal(row[9])
    order = Order(
        order_id=str(row[0]),
        client_order_id=row[1],
        account=row[2],
        symbol=row[3],
        side=Side(row[4]),
        type=OrderType(row[5]),
        price=Decimal(row[6]),
        size=Decimal(row[7]),
        filled=filled,
        avg_price=average_price(notional, filled),
        status=OrderStatus(row[10]),
        created_ns=row[11],
        updated_ns=row[12],
        cancel_reason=row[13],
    )
    return order, notional, row[14]


def fill_to_row(fill: Fill) -> tuple[int | str | None, ...]:
    return (
        fill.seq,
        fill.trade_id,
        int(fill.order_id),
        fill.client_order_id,
        fill.account,
        fill.symbol,
        fill.side.value,
        str(fill.price),
        str(fill.size),
        str(fill.fee),
        fill.fee_asset,
        fill.liquidity,
        fill.ts_ns,
        None if fill.realised_pnl is None else str(fill.realised_pnl),
    )


def fill_from_row(row: Row) -> Fill:
    return Fill(
        trade_id=row[1],
        order_id=str(row[2]),
        client_order_id=row[3],
        account=row[4],
        symbol=row[5],
        side=Side(row[6]),
        price=Decimal(row[7]),
        size=Decimal(row[8]),
        fee=Decimal(row[9]),
        fee_asset=row[10],
        liquidity=row[11],
        ts_ns=row[12],
        seq=row[0],
        realised_pnl=None if row[13] is None else Decimal(row[13]),
    )


def transfer_from_row(row: Row) -> Transfer:
    return Transfer(
        transfer_id=row[1],
        account=row[2],
        asset=row[3],
        amount=Decimal(row[4]),
        ts_ns=row[5],
        seq=row[0],
    )


def holding_to_row(account: str, symbol: str, holding: Holding) -> tuple[int | str, ...]:
    return (
        account,
        symbol,
        str(holding.size),
        str(holding.entry_price),
        str(holding.realised_pnl),
        holding.updated_ns,
    )


def holding_from_row(row: Row) -> tuple[str, str, Holding]:
    """(account, symbol, holding)."""
    return row[0], row[1], Holding(Decimal(row[2]), Decimal(row[3]), Decimal(row[4]), row[5])


def funding_to_row(payment: Funding) -> tuple[int | str, ...]:
    return (
        payment.seq,
        payment.funding_id,
        payment.account,
        payment.symbol,
        payment.asset,
        str(payment.amount),
        str(payment.rate),
        str(payment.mark_price),
        str(payment.size),
        payment.funding_ns,
        payment.ts_ns,
    )


def funding_from_row(row: Row) -> Funding:
    return Funding(
        funding_id=row[1],
        account=row[2],
        symbol=row[3],
        asset=row[4],
        amount=Decimal(row[5]),
        rate=Decimal(row[6]),
        mark_price=Decimal(row[7]),
        size=Decimal(row[8]),
        funding_ns=row[9],
        ts_ns=row[10],
        seq=row[0],
    )
