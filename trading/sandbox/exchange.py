"""The sandbox exchange's engine: one synchronous object that owns books, ledger and timers of one venue.

Single-threaded and deterministic: the venue's clock comes in as `now_ns`, nothing here reads time or draws dice.
Every change is committed to the store before the call returns and before a listener hears of it.

Rules worth knowing (details in the rooms named):
- Priority is price, then time, recorded background included (`book`).
- Refusals raise `Reject` and change nothing. Self-trades are refused whole (`order_entry`).
- Perpetuals: positions settle against the recorded market's account; margin is held (`contracts`), funding is booked
  before anything else that happens at or after its time (`funding`).
- A bid holds price × size, plus the larger fee where fees are charged in quote; what an execution saves is released.
- No impact on the recorded flow is modelled (`record_flow`).
- After a restart own orders rest again, in their old order among each other, behind the recorded quantity that their
  levels then show; timers, order ids and sequence numbers go on (numbers may skip after a kill, never repeat).
- When a commit fails the exchange refuses everything (`ExchangeHalted`): restart it from its ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from enum import Enum
from pathlib import Path

from trading.sandbox import funding, order_entry, record_flow
from trading.sandbox.core import Core, ExchangeHalted, Listener
from trading.sandbox.store import StoreError
from trading.sandbox.types import (
    Balance,
    BookSnapshot,
    Fill,
    Funding,
    FundingRate,
    Instrument,
    Order,
    PlaceOrder,
    Position,
    PublicTrade,
    RecordEvent,
    Transfer,
)

__all__ = ["Exchange", "ExchangeHalted", "Listener", "StoreError"]
EVERYTHING = 2**62


class Exchange:
    """One venue. `store_path` is the SQLite ledger file (created when missing; reopened with all its state)."""

    instruments: dict[str, Instrument]

    def __init__(self, instruments: Mapping[str, Instrument], store_path: Path, now_ns: int) -> None:
        """Open the ledger and fire the timers that fell due meanwhile. StoreError when the file can't be used."""
        self._core = Core(instruments, store_path)
        self.instruments = self._core.instruments
        funding.start(self._core, now_ns)
        self.advance(now_ns)

    def close(self) -> None:
        """Write exact counters and close the store. Nothing that was answered is lost without it."""
        self._core.close()

    # --- requests of accounts -------------------------------------------------------------------------------------

    def place(self, account: str, order: PlaceOrder, now_ns: int) -> Order:
        """Accept and match an order; IOC returns its final state.

        `client_order_id` is required ([A-Za-z0-9_-]{1,36}) and never usable again by the account.
        """
        self.settle_funding(now_ns)
        return order_entry.place(self._core, account, order, now_ns)

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
        """Change price and/or TOTAL size (filled included); same order id.

        A smaller size at the same price keeps its place in the queue; anything else queues anew and may trade at once
        (post-only: is refused if it would).
        """
        order_entry.check_deadline(deadline_ns, now_ns)
        self.settle_funding(now_ns)
        resting = order_entry.find_open(self._core, account, symbol, order_id, client_order_id)
        return order_entry.amend(self._core, resting, new_price, new_size, now_ns)

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
        resting = order_entry.find_open(self._core, account, symbol, order_id, client_order_id)
        return order_entry.cancel_many(self._core, [resting], reason, now_ns)[0]

    def cancel_all(self, account: str, symbol: str | None, now_ns: int, reason: str = "user") -> list[Order]:
        """Cancel every open order of the account (of one symbol), in one commit."""
        if symbol is not None:
            self._core.instrument(symbol)
        chosen = [r for r in self._core.open.values() if r.order.account == account]
        chosen = [r for r in chosen if symbol is None or r.order.symbol == symbol]
        return order_entry.cancel_many(self._core, chosen, reason, now_ns)

    def cancel_after(self, account: str, timeout_s: float | None, now_ns: int) -> int | None:
        """Arm (or re-arm) the account's dead man's switch; 0 or None disarms. Returns the trigger time in ns."""
        return order_entry.cancel_after(self._core, account, timeout_s, now_ns)

    def deposit(
        self,
        account: str,
        asset: str,
        amount: Decimal,
        now_ns: int,
        transfer_id: str | None = None,
    ) -> Transfer:
        """Book a deposit (negative: a withdrawal of free balance); the same transfer_id twice books once."""
        return order_entry.deposit(self._core, account, asset, amount, now_ns, transfer_id)

    # --- time and the recorded market -----------------------------------------------------------------------------

    def advance(self, now_ns: int) -> None:
        """Fire the cancel-after timers and settle the fundings that are due. Call at least every 100 ms."""
        order_entry.fire_timers(self._core, now_ns)
        self.settle_funding(now_ns)

    def settle_funding(self, now_ns: int, until_ns: int | None = None) -> None:
        """Book the fundings that have come due, each time once; a market without a mark price waits for one.

        until_ns: book as though it were so late already (tests); the payments are stamped `now_ns` all the same.
        """
        funding.settle_due(self._core, now_ns, until_ns)

    def set_funding_rate(self, symbol: str, rate: Decimal | None, now_ns: int) -> FundingRate:
        """Fix a perpetual's rate from the next funding on (None: the cycle again); returns what is then in force."""
        return funding.set_rate(self._core, symbol, rate, now_ns)

    def apply_record(self, symbol: str, event: RecordEvent, now_ns: int) -> None:
        """Let one event of the recorded market happen; Reject BAD_REQUEST when it is malformed."""
        record_flow.apply_record(self._core, symbol, event, now_ns)

    # --- reads ----------------------------------------------------------------------------------------------------

    def order(
        self,
        account: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
    ) -> Order | None:
        """An order of the account, open or done; None when it was never seen. The order id counts if both are given."""
        return order_entry.find_order(self._core, account, order_id, client_order_id)

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        chosen = [r.order for r in self._core.open.values() if r.order.account == account]
        chosen = [order for order in chosen if symbol is None or order.symbol == symbol]
        return sorted(chosen, key=lambda order: int(order.order_id))

    def cancels_at_ns(self, account: str) -> int | None:
        """When the account's cancel-after timer fires; None when it is not armed."""
        return self._core.timers.get(account)

    def order_history(
        self,
        account: str,
        symbol: str | None = None,
        after_seq: int = 0,
        limit: int = 100,
    ) -> list[Order]:
        """All orders, open ones too, oldest first, with int(order_id) > after_seq."""
        return self._core.store.orders(account, symbol, _bounded(after_seq), _bounded(limit))

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
        if order_id is not None and not order_entry.ORDER_ID.fullmatch(order_id):
            return []
        after_seq, since_ns, limit = _bounded(after_seq), _bounded(since_ns or 0), _bounded(limit)
        return self._core.store.fills(account, symbol, after_seq, since_ns, order_id, limit)

    def balances(self, account: str) -> list[Balance]:
        """Balances of every asset the account ever had, by asset name."""
        held = self._core.ledger.balances(account)
        return [replace(value, margin=self._core.perpetuals.margin_of(account, value.asset)) for value in held]

    def positions(self, account: str, symbol: str | None = None) -> list[Position]:
        """Every perpetual that the account ever traded, flat ones too, by symbol."""
        core = self._core
        found = sorted(of for who, of in core.perpetuals.holdings if who == account and symbol in (None, of))
        return [core.perpetuals.position(account, core.instruments[of], core.books[of].recorded_mid()) for of in found]

    def funding(
        self,
        account: str,
        symbol: str | None = None,
        *,
        after_seq: int = 0,
        since_ns: int | None = None,
        limit: int = 100,
    ) -> list[Funding]:
        """Funding payments with seq > after_seq, booked at since_ns or later, oldest first."""
        after_seq, since_ns, limit = _bounded(after_seq), _bounded(since_ns or 0), _bounded(limit)
        return self._core.store.funding(account, symbol, after_seq, since_ns, limit)

    def funding_rate(self, symbol: str, now_ns: int) -> FundingRate:
        """Rate and time of a perpetual's next funding; Reject when the symbol is none."""
        return funding.current(self._core, symbol, now_ns)

    def mark_price(self, symbol: str) -> Decimal | None:
        """Mid of a perpetual's recorded book; Reject when the symbol is none."""
        funding.perpetual(self._core, symbol)
        return self._core.books[symbol].recorded_mid()

    def transfers(self, account: str, after_seq: int = 0, limit: int = 100) -> list[Transfer]:
        """Transfers with seq > after_seq, oldest first."""
        return self._core.store.transfers(account, _bounded(after_seq), _bounded(limit))

    def book(self, symbol: str, depth: int | None = None) -> BookSnapshot:
        """The published (merged) book, at most `depth` levels a side; Reject UNKNOWN_SYMBOL."""
        self._core.instrument(symbol)
        return self._core.books[symbol].snapshot(depth)

    def recent_trades(self, symbol: str, limit: int = 100) -> list[PublicTrade]:
        """Latest public trades since the venue's start (1000 at most), oldest first."""
        self._core.instrument(symbol)
        return list(self._core.trades[symbol])[-limit:] if limit > 0 else []

    def export(self, account: str) -> dict[str, object]:
        """Keys: account, orders, fills, transfers, balances, positions, funding; JSON-able, money as strings."""
        return {
            "account": account,
            "orders": [_plain(asdict(row)) for row in self.order_history(account, limit=EVERYTHING)],
            "fills": [_plain(asdict(row)) for row in self.fills(account, limit=EVERYTHING)],
            "transfers": [_plain(asdict(row)) for row in self.transfers(account, limit=EVERYTHING)],
            "balances": [
                _plain({"asset": b.asset, "total": b.total, "held": b.held, "free": b.free})
                for b in self.balances(account)
            ],
            "positions": [_plain(asdict(row)) for row in self.positions(account)],
            "funding": [_plain(asdict(row)) for row in self.funding(account, limit=EVERYTHING)],
        }

    def asset_totals(self) -> dict[str, Decimal]:
        """Per asset the sum over all accounts, house accounts included: moves only by transfers."""
        return self._core.ledger.asset_totals()

    # --- for the replay and the server ----------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event in order, after its commit; returns the function that unsubscribes.

        A listener that raises is logged and passed over. Requests made by a listener are carried out at once, their
        events follow those being told.
        """
        self._core.listeners.append(listener)
        return lambda: self._core.listeners.remove(listener) if listener in self._core.listeners else None

    def remembered(self, key: str) -> str | None:
        """A value kept in the ledger file by `remember`."""
        return self._core.store.meta(f"note {key}")

    def remember(self, key: str, value: str, *, commit: bool = True) -> None:
        """Keep a small value in the ledger file; without `commit` it is written with the next change's transaction."""
        self._core.store.put_lazy_meta(f"note {key}", value)
        if commit:
            self._core.store.flush(lazy=True)


def _bounded(number: int) -> int:
    """A caller's cursor or limit as the database takes it."""
    return max(0, min(number, EVERYTHING))


def _plain(row: dict[str, object]) -> dict[str, object]:
    """JSON types only: decimals without an exponent as strings, enums by value."""
    return {
        key: format(value, "f") if isinstance(value, Decimal) else value.value if isinstance(value, Enum) else value
        for key, value in row.items()
    }
