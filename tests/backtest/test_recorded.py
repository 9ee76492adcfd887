"""From what real cycles left behind: the same inputs again, thinned, with the recorder's prints."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.quoting.world import DEX, World
from trading.backtest.engine import PreviewTooSlow, WindowSpec, canonical_hash, result_body
from trading.backtest.recorded import RecordedWindow, read_prints, read_window, statement_timeout
from trading.backtest.reparametrise import with_values
from trading.backtest.window_replay import ReplayLimits, WindowReplay
from trading.clock import FakeClock, to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.values import HotMarkouts
from trading.market_data.recorder import Recorder, RecorderPolicy
from trading.models import Decision, DecisionBatch, ParameterSet
from trading.parameters.services import current_values
from trading.quoting.decide import decide
from trading.quoting.decision_writer import DecisionWriter
from trading.registry.selectors import market_ref
from trading.risk.side import Side
from trading.strategy.codec import to_dict
from trading.venues.interface import Level, MarketInfo, OrderBook, PublicTrade, VenueKind
from trading.venues.interface import Side as VenueSide

SECOND_NS = 1_000_000_000


def _never() -> None:
    return


def _keep(world: World) -> None:
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    writer.flush()


async def _run(world: World, ticks: int, **view: Any) -> None:
    world.ready()
    worker = world.worker()
    for _ in range(ticks):
        world.clock.advance(1)
        world.publish(**view)
        await world.tick(worker, fresh=False, step_s=0)
    await worker.close()
    _keep(world)


def _window(world: World, tmp_path: Path, seconds: float = 600.0, cycles: int = 600) -> RecordedWindow:
    until = to_datetime(world.clock.now_ns())
    return read_window(DEX, WindowSpec(until, seconds), cycles, 1000, tmp_path, _never, _never, 5.0)


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"sigma_raw": 0.0009, "sigma_effective": 0.0009, "regime": "stressed"},
        {"sigma_raw": 0.000001, "sigma_effective": 0.00001, "regime": "calm"},
        {"sigma_raw": 0.0, "sigma_effective": 0.0, "regime": "", "is_warm": False},
        {"reference_source": "last_trade", "reference_widen": 2.0},
        {"reference": None, "reference_source": "none"},
        {"rolling_mid": Decimal("0.2600")},
    ],
    ids=["quiet", "stressed", "calm", "not measured", "fallback", "no reference", "jumped"],
)
async def test_under_the_parameters_in_force_a_recorded_cycle_is_the_recorded_cycle(
    world: World, tmp_path: Path, view: dict[str, Any]
) -> None:
    """Nothing that a cycle derives from its parameters is derived otherwise here: inputs and decision, bit for bit."""
    await _run(world, 2, **view)
    values = current_values(ParameterSet.objects.get(market__slug=DEX))
    cycles = _window(world, tmp_path).cycles
    assert len(cycles) == 2
    for recorded in cycles:
        again = with_values(recorded, values)
        assert to_dict(again) == to_dict(recorded)
        assert to_dict(decide(again)) == to_dict(decide(recorded))


async def test_toxic_flow_and_inventory_come_out_as_recorded(world: World, tmp_path: Path) -> None:
    world.ready()
    world.position(lots=9)
    worker = world.worker()
    world.clock.advance(1)
    world.publish()
    mark = HotMarkouts(DEX, world.clock.now_ns(), -15.0, 1000)
    world.redis.set(keys.markouts(DEX), encode(mark))
    await world.tick(worker, fresh=False, step_s=0)
    await worker.close()
    _keep(world)
    (recorded,) = _window(world, tmp_path).cycles
    assert recorded.quote is not None and recorded.quote.widen_factor > 1.0 and recorded.quote.q_lots == 9.0
    again = with_values(recorded, current_values(ParameterSet.objects.get(market__slug=DEX)))
    assert to_dict(again) == to_dict(recorded)


async def test_rows_and_batches_are_one_window_thinned_evenly(world: World, tmp_path: Path) -> None:
    await _run(world, 12)
    # A cycle that was slow on a busy machine is kept as a row of its own as well.
    assert 1 <= Decision.objects.filter(market=DEX).count() < 12 and DecisionBatch.objects.filter(market=DEX).exists()
    whole = _window(world, tmp_path)
    assert (whole.found, len(whole.cycles), whole.unreadable) == (12, 12, 0)
    times = [one.at_ns for one in whole.cycles]
    assert times == sorted(times) and times[-1] - times[0] == 11 * SECOND_NS
    thinned = _window(world, tmp_path, seconds=12.0, cycles=4)
    assert (thinned.found, thinned.slot_ns) == (12, 3 * SECOND_NS)
    starts = [one.at_ns for one in thinned.cycles]
    assert [later - earlier for earlier, later in pairwise(starts)] == [3 * SECOND_NS] * 3
    part = _window(world, tmp_path, seconds=5.0)
    assert part.found == 5


async def test_the_window_ends_with_the_last_recorded_cycle_not_now(world: World, tmp_path: Path) -> None:
    await _run(world, 3)
    last_ns = world.clock.now_ns()
    world.clock.advance(86_400)
    found = _window(world, tmp_path, seconds=60.0)
    assert (len(found.cycles), found.last_ns) == (3, last_ns)
    early = WindowSpec(to_datetime(last_ns) - timedelta(seconds=1), 60.0)
    assert read_window(DEX, early, 600, 1000, tmp_path, _never, _never, 5.0).found == 2
    assert read_window("nowhere", early, 600, 1000, tmp_path, _never, _never, 5.0).prints_problem == "nothing_recorded"


async def test_a_decision_of_older_code_is_counted_not_guessed(world: World, tmp_path: Path) -> None:
    await _run(world, 1)
    row = Decision.objects.get(market=DEX)
    inputs = row.inputs | {"a_field_of_other_days": 1}
    Decision.objects.create(
        at=row.at - timedelta(seconds=5), market=DEX, cycle_id="old", outcome="quoting", code_version="x", inputs=inputs,
        result=row.result, orders=[], duration_ms=1.0,
    )  # fmt: skip
    found = _window(world, tmp_path)
    assert (found.found, len(found.cycles), found.unreadable) == (2, 1, 1)


async def test_the_engine_gives_the_same_bytes_twice_and_keeps_to_its_deadline(world: World, tmp_path: Path) -> None:
    await _run(world, 6)
    market, before = market_ref(DEX), current_values(ParameterSet.objects.get(market__slug=DEX))
    after = before | {"spread_floor_bps": Decimal(9)}
    spec = WindowSpec(to_datetime(world.clock.now_ns()), 600.0)
    one, two = (
        canonical_hash(result_body(WindowReplay(tmp_path, world.clock).preview(market, before, after, spec)))
        for _ in range(2)
    )
    assert one == two

    class Late(FakeClock):
        def monotonic_s(self) -> float:
            self.advance(1.0)
            return super().monotonic_s()

    with pytest.raises(PreviewTooSlow):
        WindowReplay(tmp_path, Late(), ReplayLimits(deadline_s=3.0)).preview(market, before, after, spec)


def test_the_statement_timeout_is_put_back(db: None) -> None:
    def timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = timeout()
    with statement_timeout(1.5):
        assert timeout() == "1500ms"
    assert timeout() == before


def test_a_database_that_does_not_answer_costs_the_preview(db: None) -> None:
    with pytest.raises(PreviewTooSlow), statement_timeout(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # the caller's transaction goes on


async def test_a_batch_that_cannot_be_read_is_passed_over(world: World, tmp_path: Path) -> None:
    await _run(world, 4)
    at = to_datetime(world.clock.now_ns())
    DecisionBatch.objects.create(market=DEX, first_at=at, last_at=at, cycles=1, body=b"no batch at all")
    assert _window(world, tmp_path).found == 4


# --- prints -----------------------------------------------------------------------------------------------------------


def _record(folder: Path, from_ns: int, seconds: int, rotate_s: float = 3600.0) -> None:
    """A print a second as the real recorder writes them: 0.27 sold and 0.2701 bought in turn."""
    info = MarketInfo(
        market=DEX, venue_symbol="DCT/USDT", kind=VenueKind.ORDER_BOOK, base="dct", quote="usdt", tick=Decimal("0.000001"),
        lot_step=Decimal(1), min_size=Decimal(1), min_notional=Decimal(1), maker_fee=Decimal(0), taker_fee=Decimal(0),
        fee_in_received_asset=False, price_band=None, max_open_orders=None,
    )  # fmt: skip
    recorder = Recorder(info, RecorderPolicy(folder, rotate_s=rotate_s, free_bytes=0), "test", "test")
    for second in range(seconds):
        now_ns = from_ns + second * SECOND_NS
        bids, asks = (Level(Decimal("0.27"), Decimal(5 + second)),), (Level(Decimal("0.2701"), Decimal(5)),)
        recorder.on_book(OrderBook(DEX, bids, asks, now_ns, now_ns), now_ns)
        side, price = (VenueSide.SELL, "0.27") if second % 2 == 0 else (VenueSide.BUY, "0.2701")
        recorder.on_trade(PublicTrade(DEX, f"t{second}", side, Decimal(price), Decimal(10), now_ns), now_ns)
    recorder.close()


START_NS = 1_767_225_600_000_000_000


def test_prints_of_the_window_come_from_every_file_that_holds_some(tmp_path: Path) -> None:
    _record(tmp_path, START_NS, 30, rotate_s=10.0)
    folder = tmp_path / DEX
    assert len(list(folder.iterdir())) == 3
    found, problem = read_prints(folder, START_NS + 5 * SECOND_NS, START_NS + 24 * SECOND_NS, 1000, _never)
    assert problem == "" and found is not None and len(found) == 20
    assert (found[0].side, found[0].price, found[0].size) == (Side.BUY, Decimal("0.2701"), Decimal(10))
    assert [one.at_ns - START_NS for one in found] == [second * SECOND_NS for second in range(5, 25)]


def test_prints_that_cannot_be_had_are_none_with_the_reason(tmp_path: Path) -> None:
    assert read_prints(tmp_path / "nothing", 0, 1, 10, _never) == (None, "no_record")
    _record(tmp_path, START_NS, 12)
    folder, end_ns = tmp_path / DEX, START_NS + 60 * SECOND_NS
    assert read_prints(folder, START_NS, end_ns, 11, _never) == (None, "too_many_prints")
    assert read_prints(folder, START_NS - 90 * SECOND_NS, START_NS - SECOND_NS, 10, _never) == (None, "no_record")

    def over() -> None:
        raise PreviewTooSlow("over")

    _record(tmp_path, START_NS + 100 * SECOND_NS, 2100)
    assert read_prints(folder, START_NS, START_NS + 9999 * SECOND_NS, 9999, over) == (None, "prints_too_slow")
    next(folder.iterdir()).write_bytes(b"no record at all")
    assert read_prints(folder, START_NS, end_ns, 100, _never) == (None, "record_unreadable")
