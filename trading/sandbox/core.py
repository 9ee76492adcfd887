"""The exchange's state and the one way in which it changes: plan, mutate, `commit`, then tell.

Rooms that use it: `order_entry` (accounts' requests), `record_flow` (the recorded market). Both check first, then
mutate, then call `commit`, which writes one transaction and only then lets events leave.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from trading.sandbox.account_ledger import (
    MARKET_ACCOUNT,
    ZERO,
    AccountLedger,
    Leg,
    fee_asset,
    hold_of,
)
from trading.sandbox.book import BookSide, Execution, MergedBook, Resting
from trading.sandbox.contracts import after_fill
from trading.sandbox.funding import FundingState
from trading.sandbox.perpetuals import Perpetuals
from trading.sandbox.store import Store, StoreError
from trading.sandbox.store_schema import average_price
from trading.sandbox.types import (
    Fill,
    Instrument,
    Order,
    OrderStatus,
    PublicTrade,
    Reject,
    RejectCode,
    Side,
    VenueEvent,
)

Listener = Callable[[VenueEvent], None]
RECENT_TRADES = 1000
RESERVE = 100_000  # numbers reserved durably at once: what was published is never numbered again, even after kill -9
RESERVE_LOW = 20_000
log = logging.getLogger(__name__)


class ExchangeHalted(RuntimeError):
    """The exchange is closed, or a commit failed and memory and ledger may differ: it must be opened anew."""


class Core:
    """Books, balances, positions, timers, counters, pending events of one venue."""

    def __init__(self, instruments: Mapping[str, Instrument], store_path: Path) -> None:
        self.instruments = dict(instruments)
        self.store = Store(store_path)
        self.ledger = AccountLedger()
        self.perpetuals = Perpetuals(self.ledger)
        self.funding: dict[str, FundingState] = {}
        self.open: dict[str, Resting] = {}
        self.open_by_client_id: dict[tuple[str, str], Resting] = {}
        self.timers: dict[str, int] = self.store.timers()
        self.trades = {symbol: deque[PublicTrade](maxlen=RECENT_TRADES) for symbol in self.instruments}
        self.books: dict[str, MergedBook] = {}
        self.listeners: list[Listener] = []
        self._outbox: list[VenueEvent] = []
        self._queue: deque[VenueEvent] = deque()
        self._telling = False
        self._halted = self._closed = False
        try:
            self._restore()
        except BaseException:
            self.store.close(flush=False)
            raise

    # --- opening and closing --------------------------------------------------------------------------------------

    def _restore(self) -> None:
        meta, top = self.store.meta, self.store.maximum
        self._last_trade = self._trade_limit = int(meta("trade_id") or 0)
        self._last_order, self._last_fill = (
            top("orders", "order_id"),
            top("fills", "seq"),
        )
        self._last_transfer, self._last_priority = (
            top("transfers", "seq"),
            top("orders", "priority"),
        )
        self._last_funding = top("funding", "seq")
        self._seq_limits = {symbol: int(meta(f"seq {symbol}") or 0) for symbol in self.instruments}
        self.books = {symbol: MergedBook(symbol, seq) for symbol, seq in self._seq_limits.items()}
        for account, asset, total in self.store.balances():
            self.ledger.totals[account, asset] = total
        self._restore_holdings()
        for order, notional, priority in self.store.open_orders():
            if order.symbol not in self.instruments:
                raise StoreError(f"the ledger holds open orders in {order.symbol}, which this venue does not list")
            self.enter_book(Resting(order, notional, priority, restored=True))
            self.rehold(None, order)
        for symbol, book in self.books.items():
            book.delta(0)  # restored orders are in the first snapshot, not in a delta of their own
            book.seq = self._seq_limits[symbol]

    def _restore_holdings(self) -> None:
        for account, symbol, holding in self.store.holdings():
            if symbol in self.instruments:
                self.perpetuals.holdings[account, symbol] = holding
                self.perpetuals.refresh_margin(account, self.instruments[symbol])
            elif holding.size:
                raise StoreError(f"the ledger holds positions in {symbol}, which this venue does not list")

    def close(self) -> None:
        """Write the exact counters and close; without it the next start skips the unused part of a reservation.

        Closing twice does nothing more.
        """
        if self._closed:
            return
        self._closed = True
        if not self._halted:
            self.store.put_meta("trade_id", str(self._last_trade))
            for symbol, book in self.books.items():
                self.store.put_meta(f"seq {symbol}", str(book.seq))
        self.store.close(flush=not self._halted)
        self._halted = True

    # --- numbers --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """First step of every change: refuse when halted, keep reserved numbers ahead of the used ones."""
        if self._halted:
            raise ExchangeHalted("the venue's ledger failed earlier or was closed; restart the venue")
        if self._trade_limit - self._last_trade < RESERVE_LOW:
            self._trade_limit = self._last_trade + RESERVE
            self.store.put_meta("trade_id", str(self._trade_limit))
        for symbol, book in self.books.items():
            if self._seq_limits[symbol] - book.seq < RESERVE_LOW:
                self._seq_limits[symbol] = book.seq + RESERVE
                self.store.put_meta(f"seq {symbol}", str(self._seq_limits[symbol]))

    def next_order_id(self) -> str:
        self._last_order += 1
        return str(self._last_order)

    def next_priority(self) -> int:
        self._last_priority += 1
        return self._last_priority

    def next_trade_id(self) -> str:
        self._last_trade += 1
        return str(self._last_trade)

    def next_transfer_seq(self) -> int:
        self._last_transfer += 1
        return self._last_transfer

    def next_funding_seq(self) -> int:
        self._last_funding += 1
        return self._last_funding

    # --- orders in memory -----------------------------------------------------------------------------------------

    def instrument(self, symbol: str) -> Instrument:
        found = self.instruments.get(symbol)
        if found is None:
            raise Reject(RejectCode.UNKNOWN_SYMBOL, f"{symbol!r} is not listed here")
        return found

    def hold_for(self, order: Order) -> tuple[str, Decimal]:
        """Asset and amount that an order on spot holds."""
        return hold_of(self.instruments[order.symbol], order.side, order.price, order.remaining)

    def rehold(self, before: Order | None, after: Order) -> None:
        """Replace what an order held by what it holds now (a done one: nothing); a perpetual's order moves margin."""
        instrument = self.instruments[after.symbol]
        if instrument.is_perpetual:
            self.perpetuals.order_changed(after, instrument)
            return
        asset, wanted = self.hold_for(after)
        held = ZERO if before is None else self.hold_for(before)[1]
        self.ledger.hold(after.account, asset, wanted - held)

    def enter_book(self, resting: Resting) -> None:
        order = resting.order
        self.books[order.symbol].side(order.side).add(resting)
        self.open[order.order_id] = resting
        self.open_by_client_id[order.account, order.client_order_id] = resting

    def leave_book(self, resting: Resting) -> None:
        order = resting.order
        self.books[order.symbol].side(order.side).remove(resting)
        del self.open[order.order_id]
        del self.open_by_client_id[order.account, order.client_order_id]

    def record_order(self, resting: Resting) -> None:
        """Persist an order's state and tell it."""
        self.store.put_order(resting.order, resting.notional, resting.priority)
        self._outbox.append(resting.order)

    def cancel_resting(self, resting: Resting, reason: str, now_ns: int) -> Order:
        self.leave_book(resting)
        before = resting.order
        resting.order = replace(before, status=OrderStatus.CANCELLED, cancel_reason=reason, updated_ns=now_ns)
        self.rehold(before, resting.order)
        self.record_order(resting)
        return resting.order

    # --- trades ---------------------------------------------------------------------------------------------------

    def trade(
        self,
        instrument: Instrument,
        maker: Resting | None,
        taker: Resting | None,
        execution: Execution,
        now_ns: int,
    ) -> None:
        """Book one execution between two orders; None stands for the recorded market (no fee, endless balance)."""
        taker_side = taker.order.side if taker else self._opposite(maker)
        sides = {
            taker_side: taker,
            Side.SELL if taker_side is Side.BUY else Side.BUY: maker,
        }
        legs = {side: self._leg(instrument, who, who is not None and who is maker) for side, who in sides.items()}
        price, size = execution.price, execution.size
        fees = self.ledger.settle(instrument, legs[Side.BUY], legs[Side.SELL], price, size)
        public = self.publish_trade(instrument.symbol, taker_side, price, size, now_ns)
        for side, fee in zip((Side.BUY, Side.SELL), fees, strict=True):
            who = sides[side]
            if who is not None:
                self._fill(instrument, who, public, fee, "maker" if who is maker else "taker")

    @staticmethod
    def _opposite(maker: Resting | None) -> Side:
        if maker is None:
            raise ValueError("a trade needs an own order on one side")
        return Side.SELL if maker.order.side is Side.BUY else Side.BUY

    @staticmethod
    def _leg(instrument: Instrument, who: Resting | None, is_maker: bool) -> Leg:
        if who is None:
            return Leg(MARKET_ACCOUNT, ZERO)
        return Leg(
            who.order.account,
            instrument.maker_fee if is_maker else instrument.taker_fee,
        )

    def _fill(
        self,
        instrument: Instrument,
        who: Resting,
        public: PublicTrade,
        fee: Decimal,
        liquidity: str,
    ) -> None:
        before = order = who.order
        filled = order.filled + public.size
        who.notional += public.price * public.size
        who.order = order = replace(
            order,
            filled=filled,
            avg_price=average_price(who.notional, filled),
            status=OrderStatus.FILLED if filled == order.size else OrderStatus.PARTIALLY_FILLED,
            updated_ns=public.ts_ns,
        )
        realised = self._settle_position(instrument, order, public) if instrument.is_perpetual else None
        self.rehold(before, order)
        self._last_fill += 1
        fill = Fill(
            trade_id=public.trade_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            price=public.price,
            size=public.size,
            fee=fee,
            fee_asset=fee_asset(instrument, order.side),
            liquidity=liquidity,
            ts_ns=public.ts_ns,
            seq=self._last_fill,
            realised_pnl=realised,
        )
        self.store.add_fill(fill)
        self._outbox.append(fill)
        if instrument.is_perpetual:
            mark = self.books[order.symbol].recorded_mid()
            self._outbox.append(self.perpetuals.position(order.account, instrument, mark))

    def _settle_position(self, instrument: Instrument, order: Order, public: PublicTrade) -> Decimal:
        """Change the account's position by a fill and settle what it realised against the recorded market."""
        key = (order.account, order.symbol)
        held = self.perpetuals.holding(*key)
        changed, realised = after_fill(held, instrument, order.side, public.price, public.size, public.ts_ns)
        self.perpetuals.holdings[key] = changed
        self.store.put_holding(*key, changed)
        self.ledger.move(MARKET_ACCOUNT, order.account, instrument.quote, realised)
        return realised

    def fill_resting(
        self,
        instrument: Instrument,
        side: BookSide,
        execution: Execution,
        taker: Resting | None,
        now_ns: int,
    ) -> None:
        """Book an execution whose maker is `execution.resting`, and take it out of the book once filled."""
        maker = execution.resting
        if maker is None:
            side.take_background(execution.price, execution.size)
            self.trade(instrument, None, taker, execution, now_ns)
            return
        side.touched.add(execution.price)
        self.trade(instrument, maker, taker, execution, now_ns)
        if maker.order.status is OrderStatus.FILLED:
            self.leave_book(maker)
        self.record_order(maker)

    def publish_trade(self, symbol: str, side: Side, price: Decimal, size: Decimal, now_ns: int) -> PublicTrade:
        public = PublicTrade(self.next_trade_id(), symbol, side, price, size, now_ns)
        self.trades[symbol].append(public)
        self._outbox.append(public)
        return public

    def tell(self, event: VenueEvent) -> None:
        """Let an event follow the commit of the change at hand."""
        self._outbox.append(event)

    # --- commit and tell ------------------------------------------------------------------------------------------

    def commit(self, now_ns: int, symbol: str | None = None) -> None:
        """Write what is pending as one transaction, then tell the listeners, the book's delta last."""
        for account, asset in self.ledger.dirty:
            self.store.put_balance(account, asset, self.ledger.totals[account, asset])
        self.ledger.dirty.clear()
        try:
            self.store.flush()
        except BaseException:
            self._halted = True
            self._outbox.clear()
            raise
        self._queue.extend(self._outbox)
        self._outbox.clear()
        for name in [symbol] if symbol else self.books:
            delta = self.books[name].delta(now_ns)
            if delta is not None:
                self._queue.append(delta)
        self._tell()

    def _tell(self) -> None:
        if self._telling:  # a listener made another change: its events follow in order
            return
        self._telling = True
        try:
            while self._queue:
                event = self._queue.popleft()
                for listener in tuple(self.listeners):
                    try:
                        listener(event)
                    except Exception:
                        log.exception("sandbox listener failed")
        finally:
            self._telling = False
