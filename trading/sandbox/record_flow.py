"""The recorded market happens: its levels become background quantity, its prints trade with own orders.

No impact on the recorded flow is modelled: the record goes on as it did, whatever our orders do. What our orders take
from a recorded level is missing from the published book until the record's next update of that level; a recorded print
that filled us is not missing anywhere else in the record.

- A recorded level is set, never added to: a decrease moves an own order's queue position only by the cap (see `book`).
- A print of `size` at `price` fills own orders priced better than it (they were traded through) and then those at its
  price that the queue ahead leaves room for; together never more than its size, each at the own order's price.
- A recorded quote that reaches an own order's price fills it at the own order's price, up to the quote's size.
- Where the record's own bids and asks cross (two streams of one venue run apart), the levels of the event at hand stand
  and the older ones they contradict are dropped until the record states them again.
"""

from __future__ import annotations

from decimal import Decimal

from trading.sandbox import funding
from trading.sandbox.account_ledger import ZERO
from trading.sandbox.book import BookSide, Execution, MergedBook
from trading.sandbox.core import Core
from trading.sandbox.types import (
    Instrument,
    RecordDepth,
    RecordEvent,
    RecordTop,
    RecordTrade,
    Reject,
    RejectCode,
    Side,
)


def apply_record(core: Core, symbol: str, event: RecordEvent, now_ns: int) -> None:
    """One event, one commit. A malformed event (price or size not finite, price <= 0, size < 0) is refused whole."""
    instrument = core.instrument(symbol)
    book = core.books[symbol]
    _check(event)
    funding.settle_due(core, now_ns)
    core.begin()
    if isinstance(event, RecordTrade):
        _print(core, instrument, book, event, now_ns)
    else:
        fresh = _set_top(book, event, now_ns) if isinstance(event, RecordTop) else _set_depth(book, event, now_ns)
        _uncross_background(book, fresh, now_ns)
        funding.book_due(core, now_ns, now_ns)  # what waited for a mark: before the event fills anybody
        _fill_reached(core, instrument, book, now_ns)
    core.commit(now_ns, symbol)


def _check(event: RecordEvent) -> None:
    if isinstance(event, RecordTrade):
        levels: tuple[tuple[Decimal, Decimal], ...] = ((event.price, event.size),)
    elif isinstance(event, RecordTop):
        levels = ((event.bid, event.bid_size), (event.ask, event.ask_size))
    else:
        levels = event.bids + event.asks
    for price, size in levels:
        if not (price.is_finite() and size.is_finite() and price > 0 and size >= 0):
            raise Reject(
                RejectCode.BAD_REQUEST,
                f"malformed record event: level {price} × {size}",
            )


def _set_depth(book: MergedBook, event: RecordDepth, now_ns: int) -> set[Decimal]:
    fresh: set[Decimal] = set()
    for side, levels in ((book.bids, event.bids), (book.asks, event.asks)):
        if event.snapshot:
            kept = {price for price, _ in levels}
            for price in [price for price in side.background if price not in kept]:
                side.set_background(price, ZERO, now_ns)
        for price, size in levels:
            side.set_background(price, size, now_ns)
            fresh.add(price)
        if event.snapshot:
            for queue in side.queues.values():
                for resting in queue:
                    resting.restored = False  # its level shows nothing: nothing is ahead of it
    return fresh


def _set_top(book: MergedBook, event: RecordTop, now_ns: int) -> set[Decimal]:
    """Best levels as stated; recorded levels better than them are gone."""
    for side, price, size in (
        (book.bids, event.bid, event.bid_size),
        (book.asks, event.ask, event.ask_size),
    ):
        better = [level for level in side.within(price) if level != price and level in side.background]
        for level in better:
            side.set_background(level, ZERO, now_ns)
        side.restate_background(price, size, now_ns)
    return {event.bid, event.ask}


def _uncross_background(book: MergedBook, fresh: set[Decimal], now_ns: int) -> None:
    while True:
        bid, ask = book.bids.best_background(), book.asks.best_background()
        if bid is None or ask is None or bid < ask:
            return
        if bid not in fresh:
            book.bids.set_background(bid, ZERO, now_ns)
        else:
            book.asks.set_background(ask, ZERO, now_ns)


def _fill_reached(core: Core, instrument: Instrument, book: MergedBook, now_ns: int) -> None:
    for own_side, market_side in ((book.bids, book.asks), (book.asks, book.bids)):
        while True:
            own, market = own_side.best_own(), market_side.best_background()
            if own is None or market is None or not own_side.reaches(own, market):
                break
            maker = own_side.queues[own][0]
            size = min(maker.remaining, market_side.background[market])
            market_side.take_background(market, size)
            core.fill_resting(instrument, own_side, Execution(own, size, maker), None, now_ns)


def _print(
    core: Core,
    instrument: Instrument,
    book: MergedBook,
    event: RecordTrade,
    now_ns: int,
) -> None:
    """The part of the print that filled us is published at our prices, the rest at the record's price."""
    side: BookSide = book.opposite(event.side)
    rest = event.size
    for execution in side.count_print(event.price, event.size, now_ns):
        core.fill_resting(instrument, side, execution, None, now_ns)
        rest -= execution.size
    if rest > 0:
        core.publish_trade(instrument.symbol, Side(event.side), event.price, rest, now_ns)
