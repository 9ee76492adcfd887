"""The replay: timing, mirrored passes without jumps, the cursor, an uncrossed market, fills from real flow."""

import importlib.util
import shutil
from decimal import Decimal as D
from itertools import count
from pathlib import Path

import pytest

from trading.sandbox.catalogue import DCT_USDT, ETH_PERPETUAL, GRAM_USDT
from trading.sandbox.exchange import Exchange
from trading.sandbox.records_format import RecordError, RecordHeader, RecordWriter
from trading.sandbox.replay import Record, Replay
from trading.sandbox.types import OrderType, PlaceOrder, PublicTrade, RecordDepth, RecordTrade, Side

from .conftest import INSTRUMENT, SYMBOL
from .test_engine_properties import Watcher

S = 1_000_000_000
MS = 1_000_000
START = 5 * S  # venue time at which the replays here are opened


@pytest.fixture
def small(tmp_path):
    """1 s long: mid 100.00, at 0.4 s a print of 2 at 99.99, at 0.5 s mid 100.01, at 1 s mid 100.02."""
    path = tmp_path / "small.gz"
    header = RecordHeader(SYMBOL, "DCT", "USDT", D("0.01"), D("0.1"), "a test", "test data", 0)
    with RecordWriter(path, header) as writer:
        writer.write(RecordDepth(0, ((D("99.99"), D(5)),), ((D("100.01"), D(6)), (D("100.09"), D(1))), snapshot=True))
        writer.write(RecordTrade(400 * MS, Side.SELL, D("99.99"), D(2)))
        writer.write(RecordDepth(500 * MS, ((D("100.00"), D(4)),), ((D("100.01"), D(0)), (D("100.02"), D(3)))))
        writer.write(RecordDepth(1000 * MS, ((D("100.00"), D(7)),), ((D("100.02"), D(0)), (D("100.04"), D(3)))))
    return Record(path)


def opened(path, instrument=INSTRUMENT, now=START):
    return Exchange({instrument.symbol: instrument}, path, now)


def double_mid(x, symbol=SYMBOL):
    book = x.book(symbol, 1)
    return book.bids[0][0] + book.asks[0][0]


def test_events_happen_when_they_are_due(tmp_path, small):
    x = opened(tmp_path / "l.db")
    replay = Replay(x, SYMBOL, small, START)
    assert x.book(SYMBOL).bids == ((D("99.99"), D(5)),)
    assert (replay.next_due_ns, replay.label) == (START + 400 * MS, "test data")
    assert replay.play_until(START + 399 * MS) == 0
    assert replay.play_until(START + 400 * MS) == 1
    (trade,) = x.recent_trades(SYMBOL)
    assert (trade.side, trade.price, trade.size, trade.ts_ns) == (Side.SELL, D("99.99"), D(2), START + 400 * MS)
    assert replay.play_until(START + 5 * S, max_events=1) == 1
    assert x.book(SYMBOL).asks == ((D("100.02"), D(3)), (D("100.09"), D(1)))
    x.close()


def test_odd_passes_are_mirrored_and_join_on_both_ends(tmp_path, small):
    assert small.mirror_sum == 20002  # (200.00 + 200.04) / 2 / 0.01
    x = opened(tmp_path / "l.db")
    replay = Replay(x, SYMBOL, small, START)
    seen = [(replay.position[0], double_mid(x))]
    sides = []
    x.subscribe(lambda event: sides.append(event.side.value) if isinstance(event, PublicTrade) else None)
    for _ in range(12):
        replay.play_until(replay.next_due_ns, max_events=1)
        seen.append((replay.position[0], double_mid(x)))
    # position names the pass of the event to come: the last event of a pass is seen with the next pass's number
    mids = [mid for _, mid in seen]
    assert mids == [D(m) for m in (
        "200.00", "200.00", "200.02", "200.04",
        "200.04", "200.04", "200.02", "200.00",
        "200.00", "200.00", "200.02", "200.04",
        "200.04",
    )]  # fmt: skip
    assert sides == ["sell", "buy", "sell"]
    assert replay.next_due_ns == START + 3 * 1_100 * MS + 400 * MS
    x.close()


@pytest.mark.parametrize("name", ["dct", "gram", "eth"])
def test_listed_records_mirror_on_the_tick_without_a_jump(name, request):
    record = request.getfixturevalue(name)
    first, last = record.line(0), record.book_before(len(record.raw))
    start = first.bids[0][0] + first.asks[0][0]
    end = last.bids[0][0] + last.asks[0][0]
    assert (start + end) % 2 == 0
    mirrored = first.mirrored(record.mirror_sum)
    assert mirrored.bids[0][0] + mirrored.asks[0][0] == end
    mirrored = last.mirrored(record.mirror_sum)
    assert mirrored.bids[0][0] + mirrored.asks[0][0] == start


def test_two_passes_of_gram_with_a_resting_crowd(tmp_path, gram):
    """Uncrossed after every event, gap-free, no jump at the seams, money conserved."""
    instrument = GRAM_USDT.instrument
    x = opened(tmp_path / "l.db", instrument)
    x.deposit("desk", "GRAM", D(10**6), START)
    x.deposit("desk", "USDT", D(10**6), START)
    replay = Replay(x, instrument.symbol, gram, START)
    watcher = Watcher()
    book = x.book(instrument.symbol)
    watcher.seq, watcher.sides = book.seq, {"bids": dict(book.bids), "asks": dict(book.asks)}
    x.subscribe(watcher)
    for n, price in enumerate(range(14800, 15600, 10)):
        side = Side.BUY if price < 15191 else Side.SELL
        order = PlaceOrder(instrument.symbol, side, OrderType.POST_ONLY, price * instrument.tick, D(30), f"crowd-{n}")
        x.place("desk", order, START)
    seams, now = [], START
    while replay.position[0] < 2:
        before, now = replay.position[0], replay.next_due_ns
        replay.play_until(now, max_events=1)
        seams += [background_mid(x, instrument)] if replay.position[0] != before else []
    assert seams == [D("1.5021"), D("1.5191")]
    replay.play_until(replay.next_due_ns, max_events=1)
    assert background_mid(x, instrument) == D("1.5191")
    assert len(x.fills("desk", limit=1000)) > 50
    assert x.asset_totals() == {"GRAM": D(10**6), "USDT": D(10**6)}
    x.close()


def background_mid(x, instrument):
    own = {order.price: order.remaining for order in x.open_orders("desk")}
    book = x.book(instrument.symbol)
    bid, ask = (next(p for p, size in side if size > own.get(p, 0)) for side in (book.bids, book.asks))
    return (bid + ask) / 2


def test_the_cursor_continues_after_a_restart(tmp_path, dct):
    instrument, path = DCT_USDT.instrument, tmp_path / "l.db"
    x = opened(path, instrument)
    replay = Replay(x, instrument.symbol, dct, START, start_offset_s=400)  # 54 s into the mirrored pass
    assert replay.position[0] == 1
    assert replay.position[1] == pytest.approx(400 - 345.848539, abs=0.2)
    replay.play_until(START + 3 * S)
    position, book = replay.position, x.book(instrument.symbol)
    assert position[1] == pytest.approx(57.15, abs=0.3)
    x.close()
    x = opened(path, instrument, START + 100 * S)
    replay = Replay(
        x, instrument.symbol, dct, START + 100 * S, start_offset_s=7
    )  # the offset is for a first start only
    assert replay.position == position
    assert (x.book(instrument.symbol).bids, x.book(instrument.symbol).asks) == (book.bids, book.asks)
    assert START + 100 * S <= replay.next_due_ns < START + 101 * S
    x.close()


def test_after_a_kill_the_cursor_is_never_behind_a_fill(tmp_path, small):
    path = tmp_path / "l.db"
    x = opened(path)
    x.deposit("desk", "USDT", D(1000), START)
    replay = Replay(x, SYMBOL, small, START)
    x.place("desk", PlaceOrder(SYMBOL, Side.BUY, OrderType.LIMIT, D("100.00"), D(2), "one"), START)
    replay.play_until(START + 400 * MS)  # the print fills us
    assert len(x.fills("desk")) == 1
    left = tmp_path / "left.db"
    shutil.copy(path, left)
    shutil.copy(f"{path}-wal", f"{left}-wal")
    again = opened(left)
    assert Replay(again, SYMBOL, small, START).position == (0, 0.5)
    assert len(again.fills("desk")) == 1
    again.close()
    x.close()


def test_a_cursor_into_another_record_is_not_used(tmp_path, small):
    x = opened(tmp_path / "l.db")
    Replay(x, SYMBOL, small, START).play_until(START + S)
    x.remember(f"replay {SYMBOL}", "0123456789abcdef 4 2")
    assert Replay(x, SYMBOL, small, START).position == (0, 0.4)
    x.close()


def test_a_suspended_venue_resumes_without_racing(tmp_path, small):
    x = opened(tmp_path / "l.db")
    replay = Replay(x, SYMBOL, small, START)
    replay.resume(START + 3600 * S)
    assert replay.next_due_ns == START + 3600 * S
    assert replay.play_until(START + 3600 * S) == 1
    x.close()


def test_a_record_off_the_instruments_grid_is_refused(tmp_path, small):
    x = opened(tmp_path / "l.db", DCT_USDT.instrument)
    with pytest.raises(RecordError, match="tick or lot"):
        Replay(x, DCT_USDT.instrument.symbol, GRAM_USDT.record_path, START)
    with pytest.raises(ValueError, match="offset"):
        Replay(x, DCT_USDT.instrument.symbol, DCT_USDT.record_path, START, start_offset_s=-1)
    x.close()


@pytest.mark.parametrize("listing", [DCT_USDT, GRAM_USDT, ETH_PERPETUAL], ids=["dct", "gram", "eth"])
def test_a_naive_quoter_is_filled_within_five_minutes_of_each_of_ten_offsets(listing, request):
    path = Path(__file__).resolve().parents[3] / "bench" / "sandbox_fills.py"
    spec = importlib.util.spec_from_file_location("sandbox_fills", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    record = request.getfixturevalue({"DCT": "dct", "GRAM": "gram", "ETH": "eth"}[listing.instrument.base])
    for offset in bench.offsets(record, 10):
        result = bench.run(listing, record, offset, 300, D("2.5"), until_fills=1)
        assert result["fills"] >= 1, result


def test_a_busy_minute_of_dct_stays_uncrossed_with_orders_inside(tmp_path, dct):
    instrument = DCT_USDT.instrument
    x = opened(tmp_path / "l.db", instrument)
    x.deposit("desk", "DCT", D(10**6), START)
    x.deposit("desk", "USDT", D(10**6), START)
    replay = Replay(x, instrument.symbol, dct, START, start_offset_s=100)
    watcher = Watcher()
    book = x.book(instrument.symbol)
    watcher.seq, watcher.sides = book.seq, {"bids": dict(book.bids), "asks": dict(book.asks)}
    x.subscribe(watcher)
    ids = count()
    for tenth in range(200):
        now = START + tenth * S // 10
        x.cancel_all("desk", None, now)
        best = x.book(instrument.symbol, 1)
        for side, price in ((Side.BUY, best.bids[0][0]), (Side.SELL, best.asks[0][0])):
            x.place(
                "desk", PlaceOrder(instrument.symbol, side, OrderType.POST_ONLY, price, D(50), f"b{next(ids)}"), now
            )
        replay.play_until(now + S // 10)
    assert len(x.fills("desk", limit=1000)) > 5
    assert x.asset_totals() == {"DCT": D(10**6), "USDT": D(10**6)}
    x.close()


def test_a_perpetual_trades_through_both_passes_of_its_record_and_its_fundings(tmp_path, eth):
    instrument = ETH_PERPETUAL.instrument
    x = opened(tmp_path / "l.db", instrument)
    x.deposit("desk", "USDT", D(50_000), START)
    replay = Replay(x, instrument.symbol, eth, START, start_offset_s=315)  # 28 s before the mirrored pass begins
    ids = count()
    for second in range(0, 120, 2):
        now = START + second * S
        x.cancel_all("desk", None, now)
        best = x.book(instrument.symbol, 1)
        for side, price in ((Side.BUY, best.bids[0][0]), (Side.SELL, best.asks[0][0])):
            wanted = PlaceOrder(instrument.symbol, side, OrderType.POST_ONLY, price, D("2.50"), f"p{next(ids)}")
            x.place("desk", wanted, now)
        replay.play_until(now + 2 * S)
    assert replay.position[0] == 1
    fills, fundings = x.fills("desk", limit=1000), x.funding("desk")
    assert len(fills) > 5
    assert [f.funding_ns // S for f in fundings] == [60, 120]
    wallet = D(50_000) + sum(f.realised_pnl - f.fee for f in fills) + sum(f.amount for f in fundings)
    assert x.balances("desk")[0].total == wallet
    assert x.asset_totals() == {"USDT": D(50_000)}
    x.close()
