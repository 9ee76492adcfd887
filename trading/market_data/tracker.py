"""One market's state, rules and volatility together, and the view made of them. No I/O; the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.hot_state.values import HotLevel, HotOrder, HotTrade, MarketView
from trading.market_data.depth import DepthGauge
from trading.market_data.market_state import VIEW_DEPTH, MarketState, book_problem
from trading.market_data.problems import FeedProblem
from trading.market_data.reference import (
    Candidate,
    OwnQuantity,
    OwnShadow,
    Reference,
    ReferenceSource,
    book_reference,
    choose_reference,
    is_independent,
    own_quantity,
)
from trading.market_data.rules import MarketRules
from trading.market_data.volatility_grid import StoredVolatility, VolatilityGrid
from trading.registry.selectors import MarketRef
from trading.venues.interface import Level, MarketInfo, PublicTrade, VenueKind

TRADES_SHOWN = 20
# Our own fill is told on another channel than its print, which counts as foreign only when that had time to arrive.
INDEPENDENT_AFTER_S = 1.0
NO_REFERENCE = Reference(None, ReferenceSource.NONE, 0.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both of our clocks."""

    ns: int
    s: float


class MarketTracker:
    """Everything market_data keeps of one market."""

    def __init__(self, ref: MarketRef, rules: MarketRules | None, stored: StoredVolatility | None = None) -> None:
        self.ref = ref
        self.state = MarketState(ref.slug)
        self.info: MarketInfo | None = None
        self.own_reference = NO_REFERENCE
        self.own_reference_s = 0.0
        self.reference = NO_REFERENCE
        self.rules: MarketRules | None = None
        self.grid: VolatilityGrid | None = None
        self._stored = stored
        self._shadow = OwnShadow()
        self._depth = DepthGauge()
        self._orders: tuple[HotOrder, ...] | None = ()
        if rules is not None:
            self.use(rules)

    def use(self, rules: MarketRules) -> None:
        """Another version of the parameters is in force."""
        self.rules = rules
        if self.grid is None:
            self.grid = VolatilityGrid(rules.ewma, self._stored)
        else:
            self.grid.use(rules.ewma)

    def assess(self, orders: Sequence[HotOrder] | None, others: Iterable[Candidate], now: Moment) -> Reference:
        """Settle the reference price from what is known now and let the volatility see it.

        `orders`: own orders, gone ones included; None when they can't be read: then nothing can be told apart from our
        own and there is no reference (fail closed).
        """
        self._orders = None if orders is None else tuple(orders)
        rules = self.rules
        if rules is None or orders is None:
            self.own_reference = self.reference = NO_REFERENCE
        else:
            held = own_quantity(orders, self.state.book_changed_ns)
            own = self._shadow.over(held, self.state.book_changed_ns, now.ns)
            book = self.state.usable_book(now.s, rules.feed_stale_s)
            age_s = self.state.proof_age_s(now.s)
            dust = self.info.min_size / 2 if self.info else Decimal(0)
            from_book = book_reference(book, own, rules.reference, age_s, dust) if book else NO_REFERENCE
            candidates = [*others, *self._last_trade(own, now)]
            self.own_reference = from_book
            self.reference = choose_reference(from_book, candidates, rules.reference)
        self.own_reference_s = now.s
        if self.grid is not None:
            self.grid.see(self.reference, self.state.feed_gaps, now.s)
        return self.reference

    def _last_trade(self, own: OwnQuantity, now: Moment) -> list[Candidate]:
        for trade in reversed(self.state.trades):
            age_s = self.state.trade_age_s(trade, now.ns)
            if age_s >= INDEPENDENT_AFTER_S and is_independent(trade, own, self.state.is_own_trade(trade.trade_id)):
                return [Candidate(ReferenceSource.LAST_TRADE, trade.price, age_s)]
        return []

    def as_candidate(self, now: Moment) -> Candidate | None:
        """What this market offers as a fallback to one of the same assets: its own book's reference only, never a
        fallback of a fallback."""
        if self.own_reference.price is None:
            return None
        is_pool = self.info is not None and self.info.kind is VenueKind.AMM
        source = ReferenceSource.POOL if is_pool else ReferenceSource.OTHER_MARKET
        age_s = self.own_reference.age_s + max(0.0, now.s - self.own_reference_s)
        if self.rules is None or age_s > self.rules.feed_stale_s:
            return None
        return Candidate(source, self.own_reference.price, age_s)

    def problem(self, now: Moment) -> FeedProblem:
        """What is wrong with this market, the empty code where nothing is."""
        if self.rules is None:
            return FeedProblem.NO_PARAMETERS
        found = self.state.problem(now.s, self.rules.feed_stale_s)
        if found is FeedProblem.NONE and self._orders is None:
            return FeedProblem.OWN_ORDERS_UNREADABLE
        return found

    def view(self, now: Moment) -> MarketView:
        """The market as everybody else is to see it now; `assess` comes first."""
        state, reference, book = self.state, self.reference, self.state.book
        measured = self.grid.volatility if self.grid else None
        problem = self.problem(now)
        rolling = self._rolling_mid(now)
        book_ok = book_problem(book) is FeedProblem.NONE
        mid = rolling if reference.price is None else reference.price
        return MarketView(
            slug=self.ref.slug,
            published_ns=now.ns,
            book_seq=book.seq if book is not None and book.seq is not None else state.book_count,
            book_changed_ns=state.book_changed_ns,
            book_ok=book_ok,
            bids=_levels(book.bids) if book else (),
            asks=_levels(book.asks) if book else (),
            ext_bid=reference.ext_bid,
            ext_ask=reference.ext_ask,
            reference=reference.price,
            reference_source=reference.source.value,
            reference_age_s=round(reference.age_s, 3),
            rolling_mid=rolling,
            proof_age_s=min(state.proof_age_s(now.s), NEVER_S),
            sigma_raw=measured.raw if measured else 0.0,
            sigma_effective=measured.effective if measured else 0.0,
            regime=measured.regime.value if measured else "",
            is_warm=measured.warm if measured else False,
            vol_samples=measured.samples if measured else 0,
            clock_skew_ms=round(state.clock.skew_ms, 3),
            venue_ns=book.venue_ns if book else None,
            trades=_prints(state.trades),
            connected=state.account_problem is FeedProblem.NONE and state.feed_problem is FeedProblem.NONE,
            problem=problem.value,
            reference_widen=reference.widen,
            depth=self._depth.measure(book if book_ok else None, mid, self._orders, now.s),
            funding_rate=state.funding.rate if state.funding else None,
            funding_ns=state.funding.funding_ns if state.funding else None,
            volumes=state.volumes.told(now.ns),
        )

    def _rolling_mid(self, now: Moment) -> Decimal | None:
        rolling = self.grid.rolling_mid(now.s) if self.grid else None
        return None if rolling is None else Decimal(f"{rolling:.12g}")


# JSON has no infinity: "never seen" is told as an age that nobody mistakes for a live feed.
NEVER_S = 1e9


def _prints(trades: Iterable[PublicTrade]) -> tuple[HotTrade, ...]:
    """The newest, newest first."""
    return tuple(
        HotTrade(trade.trade_id, trade.side.value, trade.price, trade.size, trade.venue_ns)
        for trade in reversed([*trades][-TRADES_SHOWN:])
    )


def _levels(levels: Sequence[Level]) -> tuple[HotLevel, ...]:
    return tuple(HotLevel(level.price, level.size) for level in levels[:VIEW_DEPTH])
