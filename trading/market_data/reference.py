"""The reference price of a market: its book without our own quantity, else a configured fallback, else nothing. Pure.

A market maker that reads its own quotes as the market's chases itself; so what we have on the book (or may have, or had
a moment ago) is taken out of each level first. What remains counts only when it has both sides, not too far apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.hot_state.values import HotOrder
from trading.venues.interface import Level, OrderBook, PublicTrade, Side

OwnQuantity = Mapping[tuple[str, Decimal], Decimal]
_BPS = Decimal(10_000)
# A book this much younger than the end of an order surely no longer shows it: books are told in sequence.
GONE_SHOWN_NS = 500_000_000
# In a market so quiet that no book follows, the last one is taken at its word after this.
SHADOW_KEPT_NS = 2_000_000_000


class ReferenceSource(StrEnum):
    BOOK = "book"
    LAST_TRADE = "last_trade"
    OTHER_MARKET = "other_market"
    POOL = "pool"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ReferenceRules:
    """Bounds and order from the market's parameters. Ranks: 0 = not used, lower is tried first."""

    max_width_bps: Decimal
    trade_max_age_s: float
    rank_pool: int
    rank_other_market: int
    rank_trade: int
    fallback_widen: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A price that stands ready as a fallback, `age_s` old."""

    source: ReferenceSource
    price: Decimal
    age_s: float


@dataclass(frozen=True, slots=True)
class Reference:
    """`price` None exactly when `source` is none. `widen`: factor on the spread that goes with this source (1: none).
    `ext_*`: best foreign prices of the book, where it could be read."""

    price: Decimal | None
    source: ReferenceSource
    age_s: float
    ext_bid: Decimal | None = None
    ext_ask: Decimal | None = None
    widen: float = 1.0


def own_quantity(orders: Iterable[HotOrder], book_changed_ns: int) -> dict[tuple[str, Decimal], Decimal]:
    """Per (side, price) what of ours may stand in the book of `book_changed_ns`: intents and unknown orders, amends at
    both prices, and orders gone so shortly before that the book may not have been told."""
    found: dict[tuple[str, Decimal], Decimal] = {}
    for order in orders:
        if order.gone_ns and book_changed_ns > order.gone_ns + GONE_SHOWN_NS:
            continue
        places = [(order.price, order.size)]
        if order.amend_price is not None and order.amend_size is not None:
            if order.amend_price == order.price:
                places = [(order.price, max(order.size, order.amend_size))]
            else:
                places.append((order.amend_price, order.amend_size))
        for price, size in places:
            left = size if order.gone_ns else size - order.filled
            if left > 0:
                key = (order.side, price)
                found[key] = found.get(key, Decimal(0)) + left
    return found


class OwnShadow:
    """Own quantity as it was a moment ago: an order's end or fill may be known before the book that shows it.

    Two sockets tell of one event; whichever comes first, what was ours must not look foreign in between.
    """

    def __init__(self) -> None:
        self._last: OwnQuantity = {}
        self._before: list[tuple[int, OwnQuantity]] = []

    def over(self, own: OwnQuantity, book_changed_ns: int, now_ns: int) -> OwnQuantity:
        """`own`, raised per level to what it was while the book may still show that."""
        if own != self._last:
            self._before.append((now_ns, self._last))
            self._last = own
        self._before = [
            (until_ns, held)
            for until_ns, held in self._before
            if book_changed_ns <= until_ns + GONE_SHOWN_NS and now_ns <= until_ns + SHADOW_KEPT_NS
        ]
        if not self._before:
            return own
        found = dict(own)
        for _, held in self._before:
            for level, size in held.items():
                found[level] = max(size, found.get(level, size))
        return found


def best_foreign(levels: Sequence[Level], side: Side, own: OwnQuantity, dust: Decimal) -> Decimal | None:
    """Best price with more than `dust` (base) of quantity that is not ours; None where the side has none."""
    for level in levels:
        mine = own.get((side.value, level.price))
        left = level.size if mine is None else level.size - mine
        if left > dust:
            return level.price
    return None


def is_independent(trade: PublicTrade, own: OwnQuantity, known_own: bool) -> bool:
    """Whether a print was surely not ours: not among our fills, nor against a level on which we stand."""
    passive = Side.BUY if trade.side is Side.SELL else Side.SELL
    return not known_own and (passive.value, trade.price) not in own


def book_reference(book: OrderBook, own: OwnQuantity, rules: ReferenceRules, age_s: float, dust: Decimal) -> Reference:
    """Mid of the foreign best prices, where there are both and no wider apart than allowed; else source none."""
    bid = best_foreign(book.bids, Side.BUY, own, dust)
    ask = best_foreign(book.asks, Side.SELL, own, dust)
    if bid is None or ask is None:
        return Reference(None, ReferenceSource.NONE, 0.0, bid, ask)
    mid = (bid + ask) / 2
    if (ask - bid) / mid * _BPS > rules.max_width_bps:
        return Reference(None, ReferenceSource.NONE, 0.0, bid, ask)
    return Reference(mid, ReferenceSource.BOOK, age_s, bid, ask)


def choose_reference(from_book: Reference, candidates: Iterable[Candidate], rules: ReferenceRules) -> Reference:
    """The book's, else the fallback of lowest rank (of two alike the younger); a trade older than allowed is none."""
    if from_book.price is not None:
        return from_book
    ranks = {
        ReferenceSource.POOL: rules.rank_pool,
        ReferenceSource.OTHER_MARKET: rules.rank_other_market,
        ReferenceSource.LAST_TRADE: rules.rank_trade,
    }
    allowed = [
        candidate
        for candidate in candidates
        if ranks.get(candidate.source, 0) > 0
        and not (candidate.source is ReferenceSource.LAST_TRADE and candidate.age_s > rules.trade_max_age_s)
    ]
    if not allowed:
        return from_book
    best = min(allowed, key=lambda candidate: (ranks[candidate.source], candidate.age_s))
    return Reference(
        best.price, best.source, best.age_s, from_book.ext_bid, from_book.ext_ask, max(1.0, rules.fallback_widen)
    )
