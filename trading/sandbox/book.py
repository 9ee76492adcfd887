"""The merged book of one instrument: recorded background quantity with our accounts' orders standing beside it.

At one price the queue is: background that was displayed before an own order, then that order, then what joined later.
An own order knows the background quantity `ahead` of it, which

- falls by trades printed at the level (`BookSide.count_print`),
- is never more than the level's present background size (`BookSide.set_background` caps it),
- and never falls twice for one trade: the part of a fall that came from the cap is remembered for a second as
  `credit`, and a print arriving later consumes the credit first. A depth decrease after the print only caps, it does
  not subtract.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trading.sandbox.types import BookDelta, BookSnapshot, Order, Side

ZERO = Decimal(0)
CREDIT_LIFE_NS = 1_000_000_000
Level = tuple[Decimal, Decimal]


@dataclass(slots=True, eq=False)
class Resting:
    """An own order in the book. `ahead`: background quantity in front of it; `notional`: sum of price × filled size."""

    order: Order
    notional: Decimal
    priority: int
    ahead: Decimal = ZERO
    credit: Decimal = ZERO
    credit_ns: int = 0
    restored: bool = False  # came back from the store and has not met its level's background yet

    @property
    def remaining(self) -> Decimal:
        return self.order.size - self.order.filled

    def live_credit(self, now_ns: int) -> Decimal:
        return self.credit if now_ns - self.credit_ns <= CREDIT_LIFE_NS else ZERO


@dataclass(frozen=True, slots=True)
class Execution:
    """A planned trade against one resting order, or against the background when `resting` is None."""

    price: Decimal
    size: Decimal
    resting: Resting | None


class BookSide:
    """Bids or asks: background by price, own queues by price, and the sorted prices where either is present."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.background: dict[Decimal, Decimal] = {}
        self.queues: dict[Decimal, list[Resting]] = {}
        self.taken: dict[Decimal, Decimal] = {}  # levels we took from -> size the record had stated for them
        self.touched: set[Decimal] = set()
        self._prices: list[Decimal] = []
        self._own_prices: list[Decimal] = []

    def prices(self) -> Iterator[Decimal]:
        """Prices with quantity, best first."""
        return reversed(self._prices) if self.side is Side.BUY else iter(self._prices)

    def own_prices(self) -> list[Decimal]:
        """Prices with own orders, best first (a copy)."""
        return self._own_prices[::-1] if self.side is Side.BUY else self._own_prices[:]

    def best(self) -> Decimal | None:
        if not self._prices:
            return None
        return self._prices[-1] if self.side is Side.BUY else self._prices[0]

    def best_own(self) -> Decimal | None:
        if not self._own_prices:
            return None
        return self._own_prices[-1] if self.side is Side.BUY else self._own_prices[0]

    def best_background(self) -> Decimal | None:
        return next((price for price in self.prices() if price in self.background), None)

    def displayed(self, price: Decimal) -> Decimal:
        """Published size of a level: background plus own remaining quantity."""
        own = sum((resting.remaining for resting in self.queues.get(price, ())), ZERO)
        return self.background.get(price, ZERO) + own

    def reaches(self, level: Decimal, price: Decimal) -> bool:
        """Whether an opposite order at `price` would trade with this side's `level`."""
        return price <= level if self.side is Side.BUY else price >= level

    def within(self, limit: Decimal) -> Iterator[Decimal]:
        """Levels that an opposite order at `limit` reaches, best first."""
        for price in self.prices():
            if not self.reaches(price, limit):
                return
            yield price

    # --- background ---------------------------------------------------------------------------------------------

    def set_background(self, price: Decimal, size: Decimal, now_ns: int) -> None:
        """The record states a level's size; what we had taken from it is forgotten, queue positions are capped."""
        self.taken.pop(price, None)
        self._write(price, size)
        for resting in self.queues.get(price, ()):
            if resting.restored:
                resting.ahead, resting.restored = size, False
            elif resting.ahead > size:
                resting.credit = resting.live_credit(now_ns) + resting.ahead - size
                resting.credit_ns = now_ns
                resting.ahead = size

    def restate_background(self, price: Decimal, size: Decimal, now_ns: int) -> None:
        """As `set_background`, but a size equal to the last stated one is no update: what we took stays taken.

        Where we took, the last stated size is the one from before; that it may equal what we left is a coincidence.
        """
        if size != self.taken.get(price, self.background.get(price)):
            self.set_background(price, size, now_ns)

    def take_background(self, price: Decimal, size: Decimal) -> None:
        """An own order trades with the background of a level; lasts until the record's next update of the level."""
        before = self.background[price]
        self.taken.setdefault(price, before)
        self._write(price, before - size)
        for resting in self.queues.get(price, ()):
            resting.ahead = max(ZERO, resting.ahead - size)

    def _write(self, price: Decimal, size: Decimal) -> None:
        self.touched.add(price)
        if size > 0:
            if price not in self.background and price not in self.queues:
                insort(self._prices, price)
            self.background[price] = size
        elif self.background.pop(price, None) is not None and price not in self.queues:
            del self._prices[bisect_left(self._prices, price)]

    # --- own orders ---------------------------------------------------------------------------------------------

    def add(self, resting: Resting) -> None:
        """Queue an own order behind everything that its level displays."""
        price = resting.order.price
        if price not in self.queues:
            if price not in self.background:
                insort(self._prices, price)
            insort(self._own_prices, price)
            self.queues[price] = []
        resting.ahead = self.background.get(price, ZERO)
        resting.credit = ZERO
        self.queues[price].append(resting)
        self.touched.add(price)

    def remove(self, resting: Resting) -> None:
        """Take an own order out of the book."""
        price = resting.order.price
        queue = self.queues[price]
        queue.remove(resting)
        self.touched.add(price)
        if not queue:
            del self.queues[price]
            del self._own_prices[bisect_left(self._own_prices, price)]
            if price not in self.background:
                del self._prices[bisect_left(self._prices, price)]

    # --- planning -----------------------------------------------------------------------------------------------

    def plan_taker(self, limit: Decimal, size: Decimal) -> list[Execution]:
        """What an opposite order would execute, in price-time priority; changes nothing."""
        plan: list[Execution] = []
        for price in self.within(limit):
            if size <= 0:
                break
            at_level = self._plan_level(price, size)
            plan += at_level
            size -= sum((execution.size for execution in at_level), ZERO)
        return plan

    def _plan_level(self, price: Decimal, budget: Decimal) -> list[Execution]:
        plan: list[Execution] = []
        background = self.background.get(price, ZERO)
        passed = ZERO
        for resting in self.queues.get(price, ()):
            front = min(max(resting.ahead - passed, ZERO), budget)
            passed += front
            budget -= front
            own = min(resting.remaining, budget)
            budget -= own
            plan += [Execution(price, front, None), Execution(price, own, resting)]
        plan.append(Execution(price, min(background - passed, budget), None))
        return [execution for execution in plan if execution.size > 0]

    def count_print(self, price: Decimal, size: Decimal, now_ns: int) -> list[Execution]:
        """A recorded trade of `size` at `price` hit this side: own executions, best first, at the orders' own prices.

        Orders priced better than the print were traded through and come first, whatever stood ahead of them.
        At the print's price the quantity ahead is worked off first. The displayed background is left to the record.
        """
        plan: list[Execution] = []
        for level in self.own_prices():
            if level == price:
                plan += self._work_off(level, size, now_ns)
                break
            if not self.reaches(level, price):
                break
            for resting in self.queues[level]:
                resting.ahead = resting.credit = ZERO
                own = min(resting.remaining, size)
                size -= own
                plan.append(Execution(level, own, resting))
        return [execution for execution in plan if execution.size > 0]

    def _work_off(self, price: Decimal, budget: Decimal, now_ns: int) -> list[Execution]:
        plan: list[Execution] = []
        passed = ZERO
        queue = self.queues[price]
        for resting in queue:
            in_front = resting.ahead + resting.live_credit(now_ns)
            front = min(max(in_front - passed, ZERO), budget)
            passed += front
            budget -= front
            own = min(resting.remaining, budget)
            budget -= own
            plan.append(Execution(price, own, resting))
        for resting in queue:
            credit = resting.live_credit(now_ns)
            resting.credit = max(ZERO, credit - passed)
            resting.ahead = max(ZERO, resting.ahead - max(ZERO, passed - credit))
        return plan


class MergedBook:
    """Both sides and what was last published of them; `seq` numbers the published changes without a gap."""

    def __init__(self, symbol: str, seq: int) -> None:
        self.symbol = symbol
        self.seq = seq
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.updated_ns = 0
        self._published: dict[Side, dict[Decimal, Decimal]] = {
            Side.BUY: {},
            Side.SELL: {},
        }

    def side(self, side: Side) -> BookSide:
        return self.bids if side is Side.BUY else self.asks

    def opposite(self, side: Side) -> BookSide:
        return self.asks if side is Side.BUY else self.bids

    def recorded_mid(self) -> Decimal | None:
        """Mid of the background alone: the mark price of a perpetual."""
        bid, ask = self.bids.best_background(), self.asks.best_background()
        return None if bid is None or ask is None else (bid + ask) / 2

    def mid(self) -> Decimal | None:
        """Background mid; the merged mid where a side has no background."""
        recorded = self.recorded_mid()
        if recorded is not None:
            return recorded
        bid, ask = self.bids.best(), self.asks.best()
        return None if bid is None or ask is None else (bid + ask) / 2

    def delta(self, now_ns: int) -> BookDelta | None:
        """What changed since the last call, as one numbered delta; None when nothing published changed."""
        bids, asks = self._changes(self.bids), self._changes(self.asks)
        if not bids and not asks:
            return None
        self.seq += 1
        self.updated_ns = now_ns
        return BookDelta(self.symbol, self.seq, self.seq - 1, bids, asks, now_ns)

    def _changes(self, side: BookSide) -> tuple[Level, ...]:
        published = self._published[side.side]
        changes: list[Level] = []
        for price in sorted(side.touched, reverse=side.side is Side.BUY):
            size = side.displayed(price)
            if published.get(price, ZERO) == size:
                continue
            changes.append((price, size))
            if size:
                published[price] = size
            else:
                del published[price]
        side.touched.clear()
        return tuple(changes)

    def snapshot(self, depth: int | None) -> BookSnapshot:
        """The published book, best first, at most `depth` levels a side."""
        sides = []
        for side in (self.bids, self.asks):
            prices = list(side.prices())[:depth]
            sides.append(tuple((price, side.displayed(price)) for price in prices))
        return BookSnapshot(self.symbol, self.seq, sides[0], sides[1], self.updated_ns)
