"""How much rests within some percent of the reference price, measured over the whole assembled book. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.hot_state.values import HotDepth, HotOrder
from trading.venues.interface import Level, OrderBook

BANDS_PCT = (Decimal("0.5"), Decimal(1), Decimal(2))
# Thousands of levels are added up: for people, twice a second is often enough.
MEASURE_EVERY_S = 0.5
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Quote value of one side up to a distance; `ours` of it; whether the book is known that far."""

    all: Decimal
    ours: Decimal
    is_complete: bool


def depth_bands(book: OrderBook, mid: Decimal, orders: Iterable[HotOrder]) -> tuple[HotDepth, ...]:
    """Quote value of `book` within each of BANDS_PCT of `mid` (quote per base), nearest band first.

    Ours is what of our resting orders the same levels can hold, hence never more than all.
    """
    buys, sells = resting_by_price(orders, "buy"), resting_by_price(orders, "sell")
    lows = [mid * (1 - pct / 100) for pct in BANDS_PCT]
    highs = [mid * (1 + pct / 100) for pct in BANDS_PCT]
    bids = _reaches(book.bids, lows, buys, falling=True, whole=book.is_whole)
    asks = _reaches(book.asks, highs, sells, falling=False, whole=book.is_whole)
    return tuple(
        HotDepth(pct, bid.all, ask.all, bid.ours, ask.ours, bid.is_complete and ask.is_complete)
        for pct, bid, ask in zip(BANDS_PCT, bids, asks, strict=True)
    )


def resting_by_price(orders: Iterable[HotOrder], side: str) -> dict[Decimal, Decimal]:
    """Base quantity of our resting orders of one side, by price."""
    found: dict[Decimal, Decimal] = {}
    for order in orders:
        if order.side == side and order.resting > 0:
            found[order.price] = found.get(order.price, ZERO) + order.resting
    return found


def _reaches(
    levels: Sequence[Level], edges: Sequence[Decimal], own: Mapping[Decimal, Decimal], *, falling: bool, whole: bool
) -> list[_Reach]:
    """One walk from the best price outwards; `edges` in the same order."""
    found: list[_Reach] = []
    total = ours = ZERO
    for level in levels:
        while len(found) < len(edges) and (
            level.price < edges[len(found)] if falling else level.price > edges[len(found)]
        ):
            found.append(_Reach(total, ours, True))
        if len(found) == len(edges):
            return found
        total += level.price * level.size
        mine = own.get(level.price)
        if mine is not None:
            ours += level.price * min(mine, level.size)
    last = levels[-1].price if levels else None
    for edge in edges[len(found) :]:
        found.append(_Reach(total, ours, whole or last == edge))
    return found


class DepthGauge:
    """The bands of one market, measured again when they are old."""

    def __init__(self) -> None:
        self._bands: tuple[HotDepth, ...] = ()
        self._measured_s = 0.0

    def measure(
        self, book: OrderBook | None, mid: Decimal | None, orders: Iterable[HotOrder] | None, now_s: float
    ) -> tuple[HotDepth, ...]:
        """The bands as of at most MEASURE_EVERY_S ago; none without a usable book, a mid or knowledge of our orders."""
        if book is None or mid is None or mid <= 0 or orders is None:
            self._bands = ()
        elif not self._bands or now_s - self._measured_s >= MEASURE_EVERY_S:
            self._bands, self._measured_s = depth_bands(book, mid, orders), now_s
        return self._bands
