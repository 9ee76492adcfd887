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

from tests.venues.stage import in_ns, staged
from trading.clock import FakeClock
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues import decoding
from trading.venues.backoff import Backoff
from trading.venues.interface import (
    Level,
    NotSent,
    OutcomeUnknown,
    RejectReason,
    StreamReset,
    UnexpectedAnswer,
    VenueRejected,
    VenueUnavailable,
)
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


def test_a_book_is_whole_only_if_no_side_of_its_snapshot_was_cut() -> None:
    book, rows = BookAssembly("m"), [(str(n), "1") for n in range(5000, 0, -1)]
    assert book.snapshot(message(1, 0, rows[1:], [("6000", "1")])).is_whole
    assert not book.snapshot(message(2, 0, rows, [("6000", "1")])).is_whole
    after = book.delta(message(3, 2, [("1", "0")], []))
    assert after is not None
    assert (len(after.bids), after.is_whole) == (4999, False)  # level 5001 was never told


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


class AskedVenue:
    """A venue's clock `skew_s` from ours; None: it does not answer."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.skew_s: float | None = 1.0
        self.asked = 0

    async def ask(self) -> int:
        self.asked += 1
        if self.skew_s is None:
            raise VenueUnavailable("no answer")
        return self.now_ns()

    def now_ns(self) -> int:
        return self.clock.now_ns() + round((self.skew_s or 0) * 1e9)


async def measured() -> tuple[FakeClock, AskedVenue, VenueTime]:
    clock = FakeClock()
    venue = AskedVenue(clock)
    time = VenueTime(clock, venue.ask)
    await time.measure()
    assert (venue.asked, time.offset_ns) == (3, 1_000_000_000)
    return clock, venue, time


async def test_an_offset_that_nothing_confirmed_for_two_seconds_is_measured_before_a_deadline_leaves() -> None:
    clock, venue, time = await measured()
    venue.skew_s = -3.0
    clock.advance(1.9)
    await time.confirmed()
    assert venue.asked == 3
    clock.advance(0.2)
    await asyncio.gather(time.confirmed(), time.confirmed())
    assert (venue.asked, time.offset_ns) == (6, -3_000_000_000)
    clock.advance(1.9)
    time.told(venue.now_ns(), clock.now_ns())
    clock.advance(1.9)
    await time.confirmed()
    assert venue.asked == 6
    venue.skew_s = None
    clock.advance(0.2)
    with pytest.raises(NotSent):
        await time.confirmed()
    time.close()


async def test_an_offset_confirmed_by_the_way_is_still_measured_once_a_minute_beside_the_request() -> None:
    clock, venue, time = await measured()
    for _ in range(61):
        clock.advance(1.0)
        time.told(venue.now_ns(), clock.now_ns())
    await time.confirmed()
    assert venue.asked == 3
    await asyncio.sleep(0)
    assert venue.asked == 6


@pytest.mark.parametrize(
    ("moved_s", "known_since", "doubted"),
    [
        (0.05, True, False),  # within what clocks drift
        (-0.05, True, False),
        (0.2, True, True),
        (-0.2, True, True),
        (0.2, False, True),
        (-0.2, False, False),  # it may have been long on the way
        (-4.0, True, True),
    ],
)
async def test_a_time_told_by_the_way_that_contradicts_the_offset_holds_up_deadlines(
    moved_s: float, known_since: bool, doubted: bool
) -> None:
    clock, venue, time = await measured()
    deadline_ns = clock.now_ns() + 2_000_000_000
    early = time.guarded(deadline_ns, None)
    early()
    venue.skew_s = 1.0 + moved_s
    time.told(venue.now_ns(), clock.now_ns() if known_since else None)
    if not doubted:
        early()
        assert venue.asked == 3
        return
    with pytest.raises(NotSent):
        early()
    await time.confirmed()
    assert venue.asked == 6
    assert time.deadline_ms(deadline_ns) == deadline_ns // 1_000_000 + 1_000 + round(moved_s * 1000)
    with pytest.raises(NotSent):  # its deadline was told with an offset that is not true any more
        early()
    time.guarded(deadline_ns, None)()


async def test_a_clock_of_ours_that_was_set_is_noticed_and_a_passed_deadline_never_leaves() -> None:
    clock, venue, time = await measured()
    clock.skew(-4.0)
    venue.skew_s = 5.0
    await time.confirmed()
    assert (venue.asked, time.offset_ns) == (6, 5_000_000_000)
    asked: list[str] = []
    leave = time.guarded(clock.now_ns() + 1_000_000_000, lambda: asked.append("guard"))
    leave()
    clock.advance(1.0)
    with pytest.raises(NotSent, match="passed"):
        leave()
    assert asked == ["guard"]


async def test_absurd_times_of_a_venue_are_no_evidence() -> None:
    _, venue, time = await measured()
    for told in (-1, 0, 10**30):
        time.told(told, 1)
    await time.confirmed()
    assert venue.asked == 3


async def test_a_pong_tells_that_the_venues_clock_moved() -> None:
    async with staged("ton_dex") as stage:
        own = stage.record(stage.adapter.stream_own())
        await own.until(lambda: own.of(StreamReset))
        stage.venue.clock.skew_s = -4.0
        before = stage.venue.clock.venue_ms()
        await own.until(lambda: stage.adapter._time.now_ms() < before + 3_000)
        request = stage.order(deadline_ns=in_ns(2.0))
        await stage.adapter.submit_order(request)
        assert stage.open_ids() == {request.client_order_id}


def test_errors_pass_on_what_a_venue_says_as_one_bounded_printable_line() -> None:
    for error in (
        VenueRejected(RejectReason.OTHER, "a\0b\nc\x1b\ud800d" + "x" * 900),
        OutcomeUnknown("a\0b\nc\x1b\ud800d" + "x" * 900),
    ):
        assert "a b c  dxx" in str(error)
        assert len(str(error)) == 300
        assert str(error).isprintable()


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
