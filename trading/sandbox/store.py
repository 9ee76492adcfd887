"""The venue's durable ledger: one SQLite file (WAL), one transaction for each change of the exchange.

Writes are collected and committed together by `flush`; the exchange flushes before it answers or publishes. With
`synchronous=NORMAL` a commit survives the death of the process at any instant (kill -9); a loss of power may take the
last commits with it, which a sandbox accepts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sized
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from trading.sandbox.contracts import Holding
from trading.sandbox.store_schema import (
    ORDER_COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    UPGRADES,
    OrderRow,
    fill_from_row,
    fill_to_row,
    funding_from_row,
    funding_to_row,
    holding_from_row,
    holding_to_row,
    order_from_row,
    order_to_row,
    transfer_from_row,
)
from trading.sandbox.types import Fill, Funding, Order, Transfer

CHANGING = (
    "price",
    "size",
    "filled",
    "notional",
    "status",
    "updated_ns",
    "cancel_reason",
    "priority",
)
UPSERT_ORDER = (
    f"INSERT INTO orders VALUES ({', '.join('?' * len(ORDER_COLUMNS))}) ON CONFLICT (order_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in CHANGING)
)
SELECT_ORDER = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders"  # column names are constants of this package


BUSY_TIMEOUT_S = 5.0  # how long opening waits for a predecessor to let go of the file


class Clearable(Sized, Protocol):
    """A collection of pending writes."""

    def clear(self) -> None: ...


class StoreError(Exception):
    """The ledger file can't be used; the message says why."""


class Store:
    """Reads see committed rows only. Not thread-safe: one exchange, one thread."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # one venue process per ledger
            self._db.executescript(SCHEMA)
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found > SCHEMA_VERSION:
                raise StoreError(f"{path}: ledger of version {found}, this venue writes version {SCHEMA_VERSION}")
            for version in range(found + 1, SCHEMA_VERSION + 1) if found else ():
                self._db.executescript(f"BEGIN; {UPGRADES[version]}; PRAGMA user_version={version}; COMMIT")
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot open the venue's ledger: {error}") from error
        self._orders: dict[str, OrderRow] = {}
        self._fills: list[Fill] = []
        self._transfers: list[Transfer] = []
        self._holdings: dict[tuple[str, str], Holding] = {}
        self._funding: list[Funding] = []
        self._balances: dict[tuple[str, str], Decimal] = {}
        self._timers: dict[str, int | None] = {}
        self._meta: dict[str, str] = {}
        self._lazy_meta: dict[str, str] = {}

    # --- writes, pending until flush ------------------------------------------------------------------------------

    def put_order(self, order: Order, notional: Decimal, priority: int) -> None:
        self._orders[order.order_id] = order_to_row(order, notional, priority)

    def add_fill(self, fill: Fill) -> None:
        self._fills.append(fill)

    def add_transfer(self, transfer: Transfer) -> None:
        self._transfers.append(transfer)

    def put_holding(self, account: str, symbol: str, holding: Holding) -> None:
        self._holdings[account, symbol] = holding

    def add_funding(self, payment: Funding) -> None:
        self._funding.append(payment)

    def put_balance(self, account: str, asset: str, total: Decimal) -> None:
        self._balances[account, asset] = total

    def put_timer(self, account: str, trigger_ns: int | None) -> None:
        self._timers[account] = trigger_ns

    def put_meta(self, key: str, value: str) -> None:
        self._meta[key] = value

    def put_lazy_meta(self, key: str, value: str) -> None:
        """As `put_meta`, but written only along with something else, or by `flush(lazy=True)`."""
        self._lazy_meta[key] = value

    def flush(self, *, lazy: bool = False) -> None:
        """Commit everything pending as one transaction; on an error nothing of it, now or later."""
        if not any(self._pending()) and not (lazy and self._lazy_meta):
            return
        self._meta.update(self._lazy_meta)
        self._lazy_meta.clear()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._write_pending()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._drop_pending()

    def _pending(self) -> tuple[Clearable, ...]:
        rows = (self._orders, self._fills, self._transfers, self._holdings, self._funding)
        return (*rows, self._balances, self._timers, self._meta)

    def _drop_pending(self) -> None:
        for rows in self._pending():
            rows.clear()

    def _write_pending(self) -> None:
        many = self._db.executemany
        if self._orders:
            many(UPSERT_ORDER, self._orders.values())
        if self._fills:
            many(
                f"INSERT INTO fills VALUES ({', '.join('?' * 14)})",
                map(fill_to_row, self._fills),
            )
        if self._transfers:
            rows = [(t.seq, t.transfer_id, t.account, t.asset, str(t.amount), t.ts_ns) for t in self._transfers]
            many("INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)", rows)
        if self._holdings:
            held = [holding_to_row(account, symbol, held) for (account, symbol), held in self._holdings.items()]
            many("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)", held)
        if self._funding:
            many(f"INSERT INTO funding VALUES ({', '.join('?' * 11)})", map(funding_to_row, self._funding))
        if self._balances:
            totals = [(account, asset, str(total)) for (account, asset), total in self._balances.items()]
            many("INSERT OR REPLACE INTO balances VALUES (?, ?, ?)", totals)
        if self._timers:
            many("INSERT OR REPLACE INTO timers VALUES (?, ?)", self._timers.items())
        if self._meta:
            many("INSERT OR REPLACE INTO meta VALUES (?, ?)", self._meta.items())

    # --- reads ----------------------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def maximum(self, table: str, column: str) -> int:
        """Largest value of an integer column, 0 for an empty table. The names are constants of this package."""
        return int(self._db.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0])

    def balances(self) -> list[tuple[str, str, Decimal]]:
        rows = self._db.execute("SELECT account, asset, total FROM balances ORDER BY account, asset")
        return [(account, asset, Decimal(total)) for account, asset, total in rows]

    def timers(self) -> dict[str, int]:
        rows = self._db.execute("SELECT account, trigger_ns FROM timers WHERE trigger_ns IS NOT NULL")
        return dict(rows.fetchall())

    def open_orders(self) -> list[tuple[Order, Decimal, int]]:
        """(order, notional, priority) of the orders to restore, by priority."""
        where = "WHERE status IN ('open', 'partially_filled') ORDER BY priority"
        return [order_from_row(row) for row in self._db.execute(f"{SELECT_ORDER} {where}")]

    def order(self, account: str, order_id: str | None, client_order_id: str | None) -> Order | None:
        column, value = ("order_id", order_id) if order_id is not None else ("client_order_id", client_order_id)
        where = f"WHERE account = ? AND {column} = ?"
        row = self._db.execute(f"{SELECT_ORDER} {where}", (account, value)).fetchone()
        return None if row is None else order_from_row(row)[0]

    def orders(self, account: str, symbol: str | None, after_seq: int, limit: int) -> list[Order]:
        where = "WHERE account = ?1 AND order_id > ?2 AND (?3 IS NULL OR symbol = ?3) ORDER BY order_id LIMIT ?4"
        rows = self._db.execute(f"{SELECT_ORDER} {where}", (account, after_seq, symbol, limit))
        return [order_from_row(row)[0] for row in rows]

    def fills(
        self,
        account: str,
        symbol: str | None,
        after_seq: int,
        since_ns: int,
        order_id: str | None,
        limit: int,
    ) -> list[Fill]:
        rows = self._db.execute(
            "SELECT * FROM fills WHERE account = ?1 AND seq > ?2 AND ts_ns >= ?3 AND (?4 IS NULL OR symbol = ?4)"
            " AND (?5 IS NULL OR order_id = ?5) ORDER BY seq LIMIT ?6",
            (
                account,
                after_seq,
                since_ns,
                symbol,
                None if order_id is None else int(order_id),
                limit,
            ),
        )
        return [fill_from_row(row) for row in rows]

    def holdings(self) -> list[tuple[str, str, Holding]]:
        """(account, symbol, holding) of every perpetual ever traded."""
        return [holding_from_row(row) for row in self._db.execute("SELECT * FROM positions ORDER BY account, symbol")]

    def funding(self, account: str, symbol: str | None, after_seq: int, since_ns: int, limit: int) -> list[Funding]:
        rows = self._db.execute(
            "SELECT * FROM funding WHERE account = ?1 AND seq > ?2 AND ts_ns >= ?3 AND (?4 IS NULL OR symbol = ?4)"
            " ORDER BY seq LIMIT ?5",
            (account, after_seq, since_ns, symbol, limit),
        )
        return [funding_from_row(row) for row in rows]

    def transfers(self, account: str, after_seq: int, limit: int) -> list[Transfer]:
        where = "WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?"
        return [
            transfer_from_row(row)
            for row in self._db.execute(f"SELECT * FROM transfers {where}", (account, after_seq, limit))
        ]

    def transfer(self, transfer_id: str) -> Transfer | None:
        row = self._db.execute("SELECT * FROM transfers WHERE transfer_id = ?", (transfer_id,)).fetchone()
        return None if row is None else transfer_from_row(row)

    def close(self, *, flush: bool = True) -> None:
        """Close the file; without `flush` what is pending is dropped."""
        if flush:
            self.flush(lazy=True)
        self._db.close()
