"""The sandbox exchange's engine: one synchronous object that owns books, ledger and timers of one venue.

Single-threaded and deterministic: the venue's clock comes in as `now_ns`, nothing here reads time or draws dice.
Every change is committed to the store before the call returns and before a listener hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from trading.sandbox.types import (
    Balance,
    BookSnapshot,
    Fill,
    Instrument,
    Order,
    PlaceOrder,
    PublicTrade,
    RecordEvent,
    Transfer,
    VenueEvent,
)

Listener = Callable[[VenueEvent], None]


class Exchange:
    """One venue. `store_path` is the SQLite ledger file (created when missing; reopened with all its state)."""

    instruments: dict[str, Instrument]

    def __init__(self, instruments: Mapping[str, Instrument], store_path: Path, now_ns: int) -> None:
        raise RuntimeError("being built")

    def close(self) -> None:
        """Write exact counters and close the store. Nothing is lost without it."""
        raise RuntimeError("being built")

    def place(self, account: str, order: PlaceOrder, now_ns: int) -> Order:
        """Accept and match an order; IOC returns its final state. `client_order_id` is required ([A-Za-z0-9_-]{1,36})."""
        raise RuntimeError("being built")

    def amend(
        self,
        account: str,
        symbol: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        new_price: Decimal | None = None,
        new_size: Decimal | None = None,
        deadline_ns: int | None = None,
        now_ns: int,
    ) -> Order:
        """Change price and/or TOTAL size (filled included); same order id."""
        raise RuntimeError("being built")

    def cancel(
        self,
        account: str,
        symbol: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        now_ns: int,
        reason: str = "user",
    ) -> Order:
        """Cancel one open order; ORDER_ALREADY_DONE when it is filled or cancelled, UNKNOWN_ORDER when never seen."""
        raise RuntimeError("being built")

    def cancel_all(self, account: str, symbol: str | None, now_ns: int, reason: str = "user") -> list[Order]:
        """Cancel every open order of the account (of one symbol)."""
        raise RuntimeError("being built")

    def cancel_after(self, account: str, timeout_s: float | None, now_ns: int) -> int | None:
        """Arm (or re-arm) the account's dead man's switch; 0 or None disarms. Returns the trigger time in ns."""
        raise RuntimeError("being built")

    def advance(self, now_ns: int) -> None:
        """Fire the cancel-after timers that are due. Call once after opening, then at least every 100 ms."""
        raise RuntimeError("being built")

    def apply_record(self, symbol: str, event: RecordEvent, now_ns: int) -> None:
        """Let one event of the recorded market happen."""
        raise RuntimeError("being built")

    def order(
        self, account: str, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> Order | None:
        """An order of the account, open or done; None when it was never seen."""
        raise RuntimeError("being built")

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        raise RuntimeError("being built")

    def order_history(
        self, account: str, symbol: str | None = None, after_seq: int = 0, limit: int = 100
    ) -> list[Order]:
        """All orders, open ones too, oldest first, with int(order_id) > after_seq."""
        raise RuntimeError("being built")

    def fills(
        self,
        account: str,
        symbol: str | None = None,
        *,
        after_seq: int = 0,
        since_ns: int | None = None,
        order_id: str | None = None,
        limit: int = 100,
    ) -> list[Fill]:
        """Fills with seq > after_seq and ts_ns >= since_ns, oldest first."""
        raise RuntimeError("being built")

    def balances(self, account: str) -> list[Balance]:
        """Balances of every asset the account ever had, by asset name."""
        raise RuntimeError("being built")

    def transfers(self, account: str, after_seq: int = 0, limit: int = 100) -> list[Transfer]:
        """Transfers with seq > after_seq, oldest first."""
        raise RuntimeError("being built")

    def deposit(
        self, account: str, asset: str, amount: Decimal, now_ns: int, transfer_id: str | None = None
    ) -> Transfer:
        """Book a deposit (negative: a withdrawal); the same transfer_id twice books once."""
        raise RuntimeError("being built")

    def book(self, symbol: str, depth: int | None = None) -> BookSnapshot:
        """The published (merged) book."""
        raise RuntimeError("being built")

    def recent_trades(self, symbol: str, limit: int = 100) -> list[PublicTrade]:
        """Latest public trades, oldest first."""
        raise RuntimeError("being built")

    def export(self, account: str) -> dict[str, object]:
        """Keys: account, orders, fills, transfers, balances; JSON-able, money as strings."""
        raise RuntimeError("being built")

    def asset_totals(self) -> dict[str, Decimal]:
        """Per asset the sum over all accounts, house accounts included."""
        raise RuntimeError("being built")

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event in order, after its commit; returns the function that unsubscribes."""
        raise RuntimeError("being built")
