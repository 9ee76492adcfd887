"""The small parts: book assembly, the venue's clock, back-off, strict decoding, metrics."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from tests.venues.stage import staged
from trading.clock import FakeClock
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues import decoding
from trading.venues.backoff import Backoff
from trading.venues.interface import Level, OutcomeUnknown, UnexpectedAnswer, VenueRejected, VenueUnavailable
from trading.venues.ton_dex.book import BookAssembly, SequenceGap
from trading.venues.venue_time import VenueTime


def message(seq: int, previous: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, object]:
    rows = {"bids": [list(level) for level in bids], "asks": [list(level) for level in asks]}
    return {"seq": seq, "prev_seq": previous, "ts_ms": 7, **rows}


def test_a_book_is_built_from_snapshot_and_deltas() -> None:
    book = BookAssembly("m", depth=2)
    assert book.delta(message(5, 4, [], [])) is None  # before the snapshot
    book.snapshot(message(10, 0, [("9", "1"), ("8", "2"), ("7", "3")], [("11", "1"), ("12", "2")]))
    assert book.delta(message(10, 9, [("9", "0")], [])) is None  # the snapshot holds it already
    changed = book.delta(message(11, 10, [("9.0", "0"), ("8.5", "4")], [("11", "6")]))
    assert changed is not None
    assert changed.bids == (Level(Decimal("8.5"), Decimal(4)), Level(Decimal(8), Decimal(2)))
    assert changed.asks == (Level(Decimal(11), Decimal(6)), Level(Decimal(12), Decimal(2)))
    assert (changed.seq, changed.venue_ns) == (11, 7_000_000)
    with pytest.raises(SequenceGap, match="stands at 11, the delta follows 12"):
        book.delta(message(13, 12, [], []))
    book.forget()
    assert book.delta(message(14, 13, [], [])) is None


def test_a_malformed_delta_changes_nothing() -> None:
    book = BookAssembly("m")
    book.snapshot(message(1, 0, [("9", "1")], [("11", "1")]))
    for bad in ([("9", "x")], [("9",)], ["9"], [("NaN", "1")], [("9", "Infinity")]):
        with pytest.raises(UnexpectedAnswer):
            book.delta({"seq": 2, "prev_seq": 1, "ts_ms": 7, "bids": [["9", "0"]], "asks": bad})
    after = book.delta(message(2, 1, [], []))
    assert after is not None
    assert after.bids == (Level(Decimal(9), Decimal(1)),)


changes = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(changes, changes), max_size=20))
def test_any_deltas_give_the_book_of_a_plain_dictionary(deltas: list[tuple[list[tuple[int, int]], ...]]) -> None:
    book, bids, asks = BookAssembly("m"), {}, {}
    book.snapshot(message(0, 0, [], []))
    for number, (bid_changes, ask_changes) in enumerate(deltas, 1):
        told = [[(str(price), str(size)) for price, size in side] for side in (bid_changes, ask_changes)]
        built = book.delta(message(number, number - 1, *told))
        for side, side_changes in ((bids, bid_changes), (asks, ask_changes)):
            for price, size in side_changes:
                side[price] = size
        assert built is not None
        wanted_bids = [(p, bids[p]) for p in sorted(bids, reverse=True) if bids[p]]
        wanted_asks = [(p, asks[p]) for p in sorted(asks) if asks[p]]
        assert [(level.price, level.size) for level in built.bids] == wanted_bids
        assert [(level.price, level.size) for level in built.asks] == wanted_asks


async def test_the_fastest_of_several_answers_gives_the_venues_clock() -> None:
    clock = FakeClock()
    delays = iter([0.4, 0.02, 0.3])

    async def ask() -> int:
        delay_s = next(delays)
        clock.advance(delay_s / 2)
        told = clock.now_ns() + 7_000_000_000
        clock.advance(delay_s / 2)
        return told

    time = VenueTime(clock, ask)
    await time.measure()
    assert time.offset_ns == pytest.approx(7_000_000_000, abs=1_000)
    assert time.uncertainty_ns == pytest.approx(10_000_000, abs=1_000)
    assert time.now_ms() == pytest.approx(clock.now_ns() // 1_000_000 + 7_000, abs=1)
    deadline_ns = clock.now_ns() + 1_000_000_000
    assert time.deadline_ms(deadline_ns) <= (deadline_ns + 7_000_000_000) // 1_000_000 - 10


async def test_the_venues_clock_is_measured_again_beside_a_request_once_a_minute() -> None:
    clock, asked, skew_ns = FakeClock(), 0, 1_000_000_000

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if skew_ns == 0:
            raise VenueUnavailable("no answer")
        return clock.now_ns() + skew_ns

    time = VenueTime(clock, ask)
    await time.measure()
    deadline_ns = clock.now_ns()
    skew_ns = 3_000_000_000
    clock.advance(59.0)
    assert time.deadline_ms(deadline_ns) == deadline_ns // 1_000_000 + 1_000
    await asyncio.sleep(0)
    assert asked == 3
    clock.advance(2.0)
    time.deadline_ms(deadline_ns)
    time.deadline_ms(deadline_ns)
    await asyncio.sleep(0)
    assert asked == 6
    assert time.deadline_ms(deadline_ns) == deadline_ns // 1_000_000 + 3_000
    skew_ns = 0
    clock.advance(61.0)
    time.deadline_ms(deadline_ns)
    await asyncio.sleep(0)
    assert time.deadline_ms(deadline_ns) == deadline_ns // 1_000_000 + 3_000  # what is known stays in use
    time.close()


def test_back_off_doubles_is_bounded_jittered_and_repeatable() -> None:
    pauses = [Backoff(random.Random(3)), Backoff(random.Random(3))]
    first, second = ([one.next_s() for _ in range(12)] for one in pauses)
    assert first == second
    ceiling = 0.1
    for pause in first:
        assert ceiling / 2 <= pause < ceiling
        ceiling = min(ceiling * 2, 10.0)
    pauses[0].reset()
    assert pauses[0].next_s() < 0.1


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (decoding.decimal, 1.5),
        (decoding.decimal, "1e400x"),
        (decoding.decimal, "NaN"),
        (decoding.decimal, "-Infinity"),
        (decoding.decimal, "1" * 41),
        (decoding.decimal, None),
        (decoding.integer, True),
        (decoding.integer, "12.0"),
        (decoding.integer, "9" * 30),
        (decoding.text, ""),
        (decoding.text, 7),
        (decoding.levels, [["1"]]),
        (decoding.rows, [3]),
    ],
)
def test_decoding_names_the_field_and_never_quotes_the_value(read: Callable[..., object], value: object) -> None:
    with pytest.raises(UnexpectedAnswer) as refused:
        read({"the_field": value}, "the_field")
    assert "the_field" in str(refused.value)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("adapter", ["ton_dex", "ccxt_okx"])
async def test_requests_errors_and_latencies_are_counted(adapter: str) -> None:
    async with staged(adapter) as stage:
        venue = stage.dialect.name

        def counted() -> tuple[float, float, float]:
            return (
                sample("dcmm_venue_request_seconds_count", venue=venue, endpoint="place"),
                sample("dcmm_venue_errors_total", venue=venue, endpoint="place", kind="post_only_would_take"),
                sample("dcmm_venue_errors_total", venue=venue, endpoint="place", kind="OutcomeUnknown"),
            )

        before = counted()
        await stage.adapter.submit_order(stage.order())
        with pytest.raises(VenueRejected):
            await stage.adapter.submit_order(stage.order(price=stage.dialect.ask))
        stage.venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1))
        with pytest.raises(OutcomeUnknown):
            await stage.adapter.submit_order(stage.order(price=stage.dialect.bid - stage.dialect.step * 2))
        assert [now - then for now, then in zip(counted(), before, strict=True)] == [3, 1, 1]
