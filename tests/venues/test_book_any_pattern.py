"""An assembled book is the venue's, whatever was lost, doubled, swapped or interrupted on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.property import examples
from tests.venues.contract_streams import same_as_venue
from tests.venues.stage import DIALECTS, staged
from trading.sandbox.catalogue import DCT_USDT
from trading.sandbox.exchange import Exchange
from trading.sandbox.server import dex_shapes
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.types import BookDelta, RecordDepth
from trading.venues.interface import OrderBook, StreamReset
from trading.venues.ton_dex.book import BookAssembly, SequenceGap

SYMBOL = "DCT/USDT"
FATES = ("deliver", "deliver", "deliver", "lose", "double", "delay", "reconnect", "repeat_old")
_LEVELS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), min_size=1, max_size=4)


class Wire:
    """From the engine to the assembly; `truth` is the engine's book at each sequence number."""

    def __init__(self, folder: Path) -> None:
        self.clock = VenueClock()
        self.engine = Exchange({SYMBOL: DCT_USDT.instrument}, folder / "book.sqlite3", self.clock.engine_ns())
        self.told: list[dict[str, Any]] = []
        self.truth: dict[int, tuple[Any, Any]] = {}
        self.engine.subscribe(self._hear)
        self.assembly = BookAssembly("m")
        self.late: list[dict[str, Any]] = []
        self.books: list[OrderBook] = []

    def _hear(self, event: object) -> None:
        if isinstance(event, BookDelta):
            self.told.append(_over_the_wire(dex_shapes.book_delta(event, self.clock)))

    def change(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> list[dict[str, Any]]:
        """The recorded market changes; the messages that this makes."""
        self.told = []
        sides = [
            tuple({Decimal(2690 - tick) / 10_000: Decimal(size) for tick, size in bids}.items()),
            tuple({Decimal(2700 + tick) / 10_000: Decimal(size) for tick, size in asks}.items()),
        ]
        self.engine.apply_record(SYMBOL, RecordDepth(0, sides[0], sides[1], False), self.clock.engine_ns())
        book = self.engine.book(SYMBOL)
        self.truth[book.seq] = (tuple(book.bids), tuple(book.asks))
        return self.told

    def snapshot(self) -> None:
        book = _over_the_wire(dex_shapes.book(self.engine.book(SYMBOL), self.clock))
        self.books.append(self.assembly.snapshot(book))

    def receive(self, message: dict[str, Any]) -> None:
        """As the stream does: a gap forgets the book and asks for a fresh one, which comes at once."""
        try:
            found = self.assembly.delta(message)
        except SequenceGap:
            self.assembly.forget()
            self.snapshot()
        else:
            if found is not None:
                self.books.append(found)

    def deliver(self, message: dict[str, Any], fate: str) -> None:
        if fate == "lose":
            return
        if fate == "delay":
            self.late.append(message)
            return
        if fate == "reconnect":
            self.assembly = BookAssembly("m")
            self.receive(message)  # nothing counts before the snapshot
            self.snapshot()
            return
        for _ in range(2 if fate == "double" else 1):
            self.receive(message)
        for old in self.late if fate == "repeat_old" else ():
            self.receive(old)


def _over_the_wire(message: Any) -> dict[str, Any]:
    return json.loads(json.dumps(message))


def _plain(book: OrderBook) -> tuple[Any, Any]:
    bids, asks = ([(level.price, level.size) for level in side] for side in (book.bids, book.asks))
    return tuple(bids), tuple(asks)


@examples(150)
@given(changes=st.lists(st.tuples(_LEVELS, _LEVELS, st.sampled_from(FATES)), min_size=1, max_size=25))
def test_every_book_told_is_the_venues_at_that_moment(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[Any, Any, str]]
) -> None:
    wire = Wire(tmp_path_factory.mktemp("book"))
    wire.change([(1, 1)], [(1, 1)])
    wire.snapshot()
    for bids, asks, fate in changes:
        for message in wire.change(bids, asks):
            wire.deliver(message, fate)
    for message in wire.change([(1, 2), (2, 1)], [(1, 2), (2, 1)]):
        wire.deliver(message, "deliver")
    wire.engine.close()
    assert all(_plain(book) == wire.truth[book.seq] for book in wire.books if book.seq is not None)
    last = wire.books[-1]
    assert last.seq == max(wire.truth), "what was lost is noticed by the next that comes"


@pytest.mark.parametrize("adapter", DIALECTS)
async def test_through_the_real_stream_after_any_pattern_of_gaps_and_broken_sockets(adapter: str) -> None:
    dice = random.Random(7)
    async with staged(adapter) as stage:
        recorder = stage.record(stage.adapter.stream_book(stage.market))
        await recorder.until(lambda: recorder.of(OrderBook))
        step, bid = stage.dialect.step, stage.dialect.bid
        tries: dict[str, Callable[[], None]] = {
            "gap": lambda: stage.venue.faults.add(FaultRule(FaultKind.BOOK_GAP, endpoint="stream.book", count=1)),
            "nothing": lambda: None,
        }
        for number in range(12):
            what = dice.choice(("gap", "gap", "nothing", "broken"))
            if what == "broken":
                await stage.venue.drop_streams()
            else:
                tries[what]()
            for _ in range(dice.randint(1, 3)):
                stage.show(bid - step * dice.randint(1, 20))
            if what == "broken":
                await stage.venue.subscribed(1)
            stage.show(bid - step * (21 + number))
            stage.show(bid - step * (41 + number))
            await recorder.until(lambda: same_as_venue(stage, recorder.of(OrderBook)[-1]))
        assert len(recorder.of(StreamReset)) > 3
