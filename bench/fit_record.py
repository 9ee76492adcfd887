"""Plays a market record forward and hands out what a fit or a simulation needs: best prices on a time grid and
the trades in between. Reads the record files of the sandbox (their header says tick and lot) and nothing else.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Print:
    """A trade: taker side, price (quote per base), size (base)."""

    taker_buys: bool
    price: float
    size: float


@dataclass(frozen=True, slots=True)
class Step:
    """One grid step: best prices at its start, trades within it, and the extremes the best prices reached."""

    t_s: float
    bid: float
    ask: float
    prints: tuple[Print, ...]
    highest_bid: float
    lowest_ask: float

    @property
    def mid(self) -> float:
        """Mid price at the start of the step."""
        return (self.bid + self.ask) / 2.0


@dataclass(frozen=True, slots=True)
class Header:
    symbol: str
    tick: Decimal
    lot_step: Decimal
    source: str


class RecordBook:
    """Price levels of a record, in whole ticks."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def apply(self, kind: str, bids: list[list[int]], asks: list[list[int]]) -> None:
        if kind == "s":
            self.bids, self.asks = {}, {}
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    def top(self, bid: int, bid_size: int, ask: int, ask_size: int) -> None:
        self.bids = {price: size for price, size in self.bids.items() if price < bid} | {bid: bid_size}
        self.asks = {price: size for price, size in self.asks.items() if price > ask} | {ask: ask_size}


def read_header(path: Path, contract_value: Decimal = ONE) -> Header:
    """Header of a record whose sizes are contracts of `contract_value` base each; its lot step in base units.

    Raises:
        ValueError: the file is no record of a known format.
    """
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        head = json.loads(lines.readline())
    if not isinstance(head, dict) or head.get("format") != "dcmm-record":
        raise ValueError(f"{path.name} is not a market record (no dcmm-record header)")
    return Header(head["symbol"], Decimal(head["tick"]), Decimal(head["lot"]) * contract_value, head["source"])


def read_steps(path: Path, step_s: float, contract_value: Decimal = ONE) -> Iterator[Step]:
    """Steps of `step_s` from the record's start, sizes in base units; a step needs both sides of the book."""
    header = read_header(path, contract_value)
    tick, lot = float(header.tick), float(header.lot_step)
    book = RecordBook()
    prints: list[Print] = []
    opened: tuple[float, int, int] | None = None
    highest, lowest = 0, 1 << 62
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            event = json.loads(line)
            t_s = event[1] / 1e6
            while opened is not None and t_s >= opened[0] + step_s:
                start, bid, ask = opened
                yield Step(start, bid * tick, ask * tick, tuple(prints), highest * tick, lowest * tick)
                prints = []
                highest, lowest = max(book.bids, default=bid), min(book.asks, default=ask)
                opened = (start + step_s, highest, lowest)
            if event[0] == "t":
                prints.append(Print(event[2] == "b", event[3] * tick, event[4] * lot))
            elif event[0] == "b":
                book.top(*event[2:6])
            else:
                book.apply(event[0], event[2], event[3])
            if book.bids and book.asks:
                best_bid, best_ask = max(book.bids), min(book.asks)
                if opened is None:
                    opened = (t_s, best_bid, best_ask)
                highest, lowest = max(highest, best_bid), min(lowest, best_ask)
