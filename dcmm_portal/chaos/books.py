"""The portal's books as PostgreSQL holds them, read with plain SQL in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from dcmm_portal.chaos.observer import WatchedMarket
from dcmm_portal.chaos.private_system import PrivateSystem

REPAIRED = "reconciliation.repaired"
PERPETUAL = "linear_perpetual"


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A row of `fills`."""

    slug: str
    trade_id: str
    order_id: str
    side: str
    price: Decimal
    size: Decimal
    executed_at: datetime
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class MarketLimit:
    """Base units: hard limit as distance from target."""

    target: Decimal
    hard: Decimal


@dataclass(frozen=True, slots=True)
class PortalBooks:
    """`positions` and `limits` by market, `cash` by (account, ticker on the venue), `orders` every client order id ever written,
    `hidden` sums that must be zero: what positions count beyond the fills' rows."""

    fills: tuple[BookedFill, ...]
    positions: dict[str, Decimal]
    counted: dict[str, int]
    cash: dict[tuple[str, str], Decimal]
    limits: dict[str, MarketLimit]
    orders: frozenset[str]
    unexplained: int
    repaired: int
    contract_values: dict[str, Decimal]

    def is_perpetual(self, slug: str) -> bool:
        """A market whose sizes on the venue are contracts."""
        return slug in self.contract_values


def watched_markets(system: PrivateSystem) -> tuple[WatchedMarket, ...]:
    """Active markets, each with the process of its venue."""
    with _connected(system) as connection:
        rows = connection.execute(
            "SELECT m.slug, m.venue_symbol, m.base_id, m.quote_id, m.instrument, a.slug AS account FROM markets m"
            " JOIN venue_accounts a ON a.id = m.account_id"
            " WHERE m.is_active ORDER BY m.slug"
        ).fetchall()
    return tuple(
        WatchedMarket(row["slug"], _venue_symbol(row), f"sandbox-{row['account'].split('-')[0]}") for row in rows
    )


def _venue_symbol(row: dict[str, Any]) -> str:
    """How the venues' own books name a market, in every dialect: with a slash, a perpetual with what it settles in."""
    if row["instrument"] == PERPETUAL:
        base, quote = row["base_id"].upper(), row["quote_id"].upper()
        return f"{base}/{quote}:{quote}"
    return str(row["venue_symbol"]).replace("-", "/")


def read_books(system: PrivateSystem, since: datetime) -> PortalBooks:
    """Everything of the desk; `since` is when the disturbances began (reports and repairs from then on count)."""
    with _connected(system) as connection:
        read = _Reader(connection)
        fills = read(
            "SELECT m.slug, f.trade_id, f.order_id, f.side, f.price, f.size, f.executed_at, f.booked_at FROM fills f"
            " JOIN markets m ON m.id = f.market_id"
        )
        positions = read("SELECT m.slug, p.q, p.fills FROM positions p JOIN markets m ON m.id = p.market_id")
        cash = read(
            "SELECT v.slug AS account, c.asset_id AS asset, c.amount FROM cash_balances c"
            " JOIN venue_accounts v ON v.id = c.account_id"
        )
        limits = read(
            "SELECT m.slug, s.q_target_lots * m.lot_size AS target, s.q_hard_lots * m.lot_size AS hard"
            " FROM parameter_sets s JOIN markets m ON m.id = s.market_id"
        )
        orders = read("SELECT client_order_id FROM orders")
        contracts = read("SELECT slug, contract_value FROM markets WHERE instrument = %s", (PERPETUAL,))
        found = read(
            "SELECT count(*) FILTER (WHERE type = 'reconciliation.unexplained') AS unexplained,"
            " count(*) FILTER (WHERE type = %s) AS repaired FROM events WHERE occurred_at >= %s",
            (REPAIRED, since),
        )[0]
    return PortalBooks(
        tuple(BookedFill(**row) for row in fills),
        {row["slug"]: row["q"] for row in positions},
        {row["slug"]: row["fills"] for row in positions},
        {(row["account"], row["asset"]): row["amount"] for row in cash},
        {row["slug"]: MarketLimit(Decimal(row["target"]), Decimal(row["hard"])) for row in limits},
        frozenset(row["client_order_id"] for row in orders),
        found["unexplained"],
        found["repaired"],
        {row["slug"]: row["contract_value"] for row in contracts},
    )


class _Reader:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def __call__(self, query: LiteralString, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
        return self._connection.execute(query, values or None).fetchall()


def _connected(system: PrivateSystem) -> psycopg.Connection[dict[str, Any]]:
    url = system.addresses()["DATABASE_URL"]
    return psycopg.connect(url, connect_timeout=5, autocommit=True, row_factory=dict_row)
