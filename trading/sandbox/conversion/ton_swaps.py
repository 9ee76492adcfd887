"""GRAM/USDT from recorded swaps of one TON exchange (DeDust): recorded trades around a built book.

Recorded: every swap's time, side, size and execution price. Built: the order book, because an automated market maker
has none. In detail:

- Fee: the pool takes 0.1 % of what comes in. A buy's price × (1 − fee) and a sell's price / (1 − fee) are the pool's
  own price, our mid. (Consecutive buys and sells within a minute differ by a median of 20.0 bps: twice the fee.)
- Time: gaps over 30 min are cut to the median gap, then all time is divided by the median gap, which becomes 1 s. The
  mid would jump at a cut, so the part after it is shifted by whole ticks to join on.
- Book: 30 levels a side, one on every tick from 10 bps off the mid outwards: what the swaps' traders paid over the mid,
  fee included. A level's size is the sum of three sizes drawn from the recorded ones (seeded), kept while the level
  stays in range.
- Flow: a swap prints its own size at the book's levels on its side, best first, one print a level. The levels it took
  shrink at the same instant; 50 ms later the book is centred on the swap's mid and refilled.
- In quiet times one level a second is drawn anew, so that a feed is never silent for longer.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median

from trading.sandbox.records_format import RecordHeader, RecordWriter
from trading.sandbox.types import RecordDepth, RecordEvent, RecordTrade, Side

TICK = Decimal("0.0001")
LOT = Decimal("0.01")
VENUE = "dedust"
FEE = Decimal("0.001")
GAP_LIMIT_S = 1800
HALF_SPREAD = FEE
LEVELS = 30
DRAWS = 3
SEED = 20260119
QUIET_US = 1_000_000
RECENTRE_US = 50_000
SOURCE = "DeDust TON/USDT swaps, 2026-01-28 to 29; book built around them, time ÷ {factor}"
LABEL = "recorded swaps, built book"


@dataclass(frozen=True, slots=True)
class Swap:
    """`mid` and `size` in ticks and lots; `t_us` compressed, from the first swap."""

    t_us: int
    side: Side
    mid: int
    size: int


def read_swaps(raw: Path) -> tuple[list[Swap], Decimal, int]:
    """(swaps of the venue in order, time factor, number of cuts). CSV, gzipped or not."""
    opener = gzip.open if raw.suffix == ".gz" else open
    with opener(raw, "rt", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["venue"] == VENUE]
    rows.sort(key=lambda row: (int(row["utime"]), int(row["lt"])))
    times = [int(row["utime"]) for row in rows]
    gap = int(median(later - earlier for earlier, later in pairwise(times)))
    swaps: list[Swap] = []
    elapsed_s = cuts = shift = 0
    for number, row in enumerate(rows):
        mid = _mid_ticks(row)
        step_s = times[number] - times[number - 1] if number else 0
        if step_s > GAP_LIMIT_S:
            cuts, step_s, shift = cuts + 1, gap, swaps[-1].mid - mid
        elapsed_s += step_s
        size = int((Decimal(row["ton_amount"]) / LOT).to_integral_value(ROUND_HALF_EVEN))
        side = Side.BUY if row["side"] == "buy" else Side.SELL
        t_us = elapsed_s * 1_000_000 // gap
        if swaps:  # several swaps of one second keep their order
            t_us = max(t_us, swaps[-1].t_us + 2 * RECENTRE_US)
        if size:
            swaps.append(Swap(t_us, side, mid + shift, size))
    return swaps, Decimal(gap), cuts


def _mid_ticks(row: dict[str, str]) -> int:
    price = Decimal(row["price_usdt_per_ton"])
    mid = price * (1 - FEE) if row["side"] == "buy" else price / (1 - FEE)
    return int((mid / TICK).to_integral_value(ROUND_HALF_EVEN))


class BuiltBook:
    """Levels in ticks and lots around a mid, one on every tick from the touch outwards."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        self._random = random.Random(seed)
        self._sizes = sizes
        self.sides: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
        self._changed: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}

    def centre(self, mid: int) -> None:
        """Keep what is in range, drop the rest, fill the empty ticks."""
        half = int((mid * HALF_SPREAD).to_integral_value(ROUND_HALF_EVEN))
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            wanted = {mid + sign * (half + step) for step in range(LEVELS)}
            for price in sorted(set(self.sides[side]) - wanted):
                self._set(side, price, 0)
            for price in sorted(wanted - set(self.sides[side])):
                self._set(side, price, self._draw())

    def print_through(self, taker: Side, size: int) -> list[tuple[int, int]]:
        """(price, size) of the prints of a swap: through the taker's opposite levels, best first; what is left after
        the last level prints there."""
        resting = Side.SELL if taker is Side.BUY else Side.BUY
        prices = sorted(self.sides[resting], reverse=resting is Side.BUY)
        prints: list[tuple[int, int]] = []
        for price in prices:
            part = size if price == prices[-1] else min(size, self.sides[resting][price])
            prints.append((price, part))
            self._set(resting, price, max(0, self.sides[resting][price] - part))
            size -= part
            if not size:
                break
        return prints

    def stir(self) -> None:
        """Draw one level anew."""
        side = self._random.choice((Side.BUY, Side.SELL))
        price = self._random.choice(sorted(self.sides[side]))
        self._set(side, price, self._draw())

    def changes(self, ts_ns: int, *, snapshot: bool = False) -> RecordDepth:
        chosen = self.sides if snapshot else self._changed
        bids, asks = (
            tuple((price * TICK, chosen[side][price] * LOT) for price in sorted(chosen[side], reverse=side is Side.BUY))
            for side in (Side.BUY, Side.SELL)
        )
        self._changed = {Side.BUY: {}, Side.SELL: {}}
        return RecordDepth(ts_ns, bids, asks, snapshot)

    def _draw(self) -> int:
        return sum(self._random.choice(self._sizes) for _ in range(DRAWS))

    def _set(self, side: Side, price: int, size: int) -> None:
        self._changed[side][price] = size
        if size:
            self.sides[side][price] = size
        else:
            del self.sides[side][price]


def built_events(swaps: list[Swap], start_ns: int) -> Iterator[RecordEvent]:
    """The record: a snapshot around the first mid, then every swap's prints and the book's answers."""
    book = BuiltBook([swap.size for swap in swaps], SEED)
    book.centre(swaps[0].mid)
    yield book.changes(start_ns, snapshot=True)
    quiet_from = 0
    for swap in swaps:
        for t_us in range(quiet_from + QUIET_US, swap.t_us, QUIET_US):
            book.stir()
            yield book.changes(start_ns + t_us * 1000)
        at_ns = start_ns + swap.t_us * 1000
        for price, size in book.print_through(swap.side, swap.size):
            yield RecordTrade(at_ns, swap.side, price * TICK, size * LOT)
        yield book.changes(at_ns)
        book.centre(swap.mid)
        quiet_from = swap.t_us + RECENTRE_US
        yield book.changes(start_ns + quiet_from * 1000)


def convert(raw: Path, target: Path) -> int:
    """Write the record; returns its number of events."""
    swaps, factor, _ = read_swaps(raw)
    with (gzip.open if raw.suffix == ".gz" else open)(raw, "rt", encoding="utf-8", newline="") as stream:
        start_s = min(int(row["utime"]) for row in csv.DictReader(stream) if row["venue"] == VENUE)
    source = SOURCE.format(factor=factor)
    start_ns = start_s * 1_000_000_000
    header = RecordHeader("GRAM/USDT", "GRAM", "USDT", TICK, LOT, source, LABEL, start_ns)
    count = 0
    with RecordWriter(target, header) as writer:
        for event in built_events(swaps, start_ns):
            writer.write(event)
            count += 1
    return count
