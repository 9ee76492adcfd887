"""One market put together from its streams: book, trades, proof of life, clocks. No I/O; the time is passed in.

Ages are on our monotonic clock (`*_s`), so that neither a quiet market nor a corrected wall clock looks like
a dead feed.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.market_data.minute_volume import MinuteVolumes
from trading.market_data.problems import FeedProblem
from trading.venues.interface import Level, OrderBook, PublicTrade
from trading.venues.perpetuals import FundingRate

VIEW_DEPTH = 50
TRADES_KEPT = 50
OWN_TRADE_IDS_KEPT = 500


def book_problem(book: OrderBook | None, depth: int = VIEW_DEPTH) -> FeedProblem:
    """Whether a book may be used: empty, crossed (also locked) and disordered or non-positive ones may not.

    A book with one side is no problem in itself: the reference then comes from elsewhere.
    """
    if book is None:
        return FeedProblem.RESYNCHRONISING
    if not book.bids and not book.asks:
        return FeedProblem.EMPTY_BOOK
    if not (_ordered(book.bids[:depth], falling=True) and _ordered(book.asks[:depth], falling=False)):
        return FeedProblem.MALFORMED_BOOK
    if book.bids and book.asks and book.bids[0].price >= book.asks[0].price:
        return FeedProblem.CROSSED_BOOK
    return FeedProblem.NONE


def _ordered(levels: Sequence[Level], *, falling: bool) -> bool:
    last: Decimal | None = None
    for level in levels:
        if not (level.price.is_finite() and level.size.is_finite() and level.price > 0 and level.size > 0):
            return False
        if last is not None and (level.price >= last if falling else level.price <= last):
            return False
        last = level.price
    return True


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The venue's clock minus ours (`skew_ms`, positive: theirs is ahead), true to within `error_ms`."""

    skew_ms: float
    error_ms: float


def read_clock(sent_ns: int, venue_ns: int, received_ns: int) -> ClockReading:
    """The venue's time was asked for at `sent_ns` and known at `received_ns` (ours): it is taken to hold half-way."""
    middle_ns = (sent_ns + received_ns) // 2
    return ClockReading((venue_ns - middle_ns) / 1e6, max(0, received_ns - sent_ns) / 2e6)


class MarketState:
    """What is known of one market. Written by its feed tasks in one event loop; read when a view is made."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.book: OrderBook | None = None
        self.book_received_s = -math.inf
        self.book_changed_ns = 0
        self.book_count = 0
        self.feed_gaps = 0
        self.trades: deque[PublicTrade] = deque(maxlen=TRADES_KEPT)
        self.volumes = MinuteVolumes()
        self.clock = ClockReading(0.0, 0.0)
        self.funding: FundingRate | None = None
        self.feed_problem = FeedProblem.CONNECTING
        self.account_problem = FeedProblem.CONNECTING
        self._proof_s: float | None = None
        self._trade_ids: OrderedDict[str, None] = OrderedDict()
        self._own_trade_ids: OrderedDict[str, None] = OrderedDict()

    # --- what the feeds tell ------------------------------------------------------------------------------------------

    def on_book(self, book: OrderBook, now_s: float, now_ns: int) -> None:
        """A whole book, which is also proof of life."""
        self.book = book
        self.book_received_s = now_s
        self.book_changed_ns = now_ns
        self.book_count += 1
        self.on_proof(now_s)

    def on_proof(self, now_s: float) -> None:
        """The book's connection answered."""
        self._proof_s = now_s
        self.feed_problem = FeedProblem.NONE

    def on_reset(self) -> None:
        """The book stream lost its thread: what it told before is void until it tells a whole book again."""
        self._forget_book(FeedProblem.RESYNCHRONISING)

    def on_feed_failure(self, problem: FeedProblem) -> None:
        """The book stream failed and will be started again."""
        self._forget_book(problem)

    def _forget_book(self, problem: FeedProblem) -> None:
        if self.book is not None:
            self.feed_gaps += 1
        self.book = None
        self.feed_problem = problem
        self.volumes.interrupt()

    def on_trade(self, trade: PublicTrade) -> bool:
        """A print; whether it was new and well-formed (a repeated or malformed one is dropped)."""
        well_formed = trade.price.is_finite() and trade.size.is_finite() and trade.price > 0 and trade.size > 0
        if not well_formed or trade.trade_id in self._trade_ids:
            return False
        _remember(self._trade_ids, trade.trade_id)
        self.trades.append(trade)
        self.volumes.add(trade)
        return True

    def on_own_trade(self, trade_id: str) -> None:
        """One of our own executions: the print with this id is not independent."""
        _remember(self._own_trade_ids, trade_id)

    # --- what can be asked --------------------------------------------------------------------------------------------

    def is_own_trade(self, trade_id: str) -> bool:
        return trade_id in self._own_trade_ids

    def proof_age_s(self, now_s: float) -> float:
        """Seconds since the last proof of life; infinite before the first."""
        return math.inf if self._proof_s is None else max(0.0, now_s - self._proof_s)

    def usable_book(self, now_s: float, stale_s: float) -> OrderBook | None:
        """The book, if it may be quoted on: well-formed, not crossed, its feed alive."""
        alive = self.proof_age_s(now_s) <= stale_s
        return self.book if alive and book_problem(self.book) is FeedProblem.NONE else None

    def problem(self, now_s: float, stale_s: float) -> FeedProblem:
        """The most telling of what is wrong: the account's connection, the feed's, its age, the book's form."""
        if self.account_problem is not FeedProblem.NONE:
            return self.account_problem
        if self.feed_problem is not FeedProblem.NONE:
            return self.feed_problem
        if self.proof_age_s(now_s) > stale_s:
            return FeedProblem.STALE_BOOK
        return book_problem(self.book)

    def trade_age_s(self, trade: PublicTrade, now_ns: int) -> float:
        """Seconds since the print, on the venue's clock as we know it."""
        return max(0.0, (now_ns - trade.venue_ns) / 1e9 + self.clock.skew_ms / 1e3)


def _remember(ids: OrderedDict[str, None], one: str) -> None:
    ids[one] = None
    while len(ids) > OWN_TRADE_IDS_KEPT:
        ids.popitem(last=False)
