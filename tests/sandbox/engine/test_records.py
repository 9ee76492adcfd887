"""Record files: the format, what is refused, and the two converters."""

import gzip
import json
from decimal import Decimal as D
from itertools import pairwise

import pytest

from trading.sandbox.catalogue import DCT_USDT, ETH_PERPETUAL, GRAM_USDT, LISTINGS, RECORDS_DIR
from trading.sandbox.conversion import binance_inverse, binance_spot, ton_swaps
from trading.sandbox.records_format import RecordError, RecordHeader, RecordLine, RecordWriter, read_header, read_record
from trading.sandbox.replay import Record, RecordedBook
from trading.sandbox.types import RecordDepth, RecordTop, RecordTrade, Side

HEADER = RecordHeader("DCT/USDT", "DCT", "USDT", D("0.01"), D("0.1"), "a test", "test data", 1_000_000)
SNAPSHOT = RecordDepth(1_000_000, ((D("99.99"), D(5)),), ((D("100.01"), D("6.5")),), snapshot=True)
HEAD_LINE = {
    "format": "dcmm-record", "version": 1, "symbol": "DCT/USDT", "base": "DCT", "quote": "USDT",
    "tick": "0.01", "lot": "0.1", "source": "a", "label": "b", "start_ns": 0,
}  # fmt: skip


def write(path, *lines):
    with gzip.open(path, "wt") as stream:
        stream.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return path


def test_what_is_written_is_read(tmp_path):
    events = [
        SNAPSHOT,
        RecordDepth(2_000_000, ((D("99.98"), D(0)),), ()),
        RecordTop(3_000_000, D("99.99"), D(1), D("100.00"), D("2.5")),
        RecordTrade(4_000_000, Side.SELL, D("99.99"), D("0.3")),
    ]
    path = tmp_path / "r.gz"
    with RecordWriter(path, HEADER) as writer:
        for event in events:
            writer.write(event)
    header, lines = read_record(path)
    assert header == HEADER
    assert [line.event(header, header.start_ns + line.t_us * 1000) for line in lines] == events
    raw = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert json.loads(raw[0])["tick"] == "0.01"
    assert raw[1:] == [
        '["s",0,[[9999,50]],[[10001,65]]]',
        '["d",1000,[[9998,0]],[]]',
        '["b",2000,9999,10,10000,25]',
        '["t",3000,"s",9999,3]',
    ]


def test_writer_refuses_what_does_not_fit_and_never_runs_backwards(tmp_path):
    with RecordWriter(tmp_path / "r.gz", HEADER) as writer:
        writer.write(SNAPSHOT)
        for bad in (
            RecordTrade(2_000_000, Side.BUY, D("99.995"), D(1)),
            RecordTrade(2_000_000, Side.BUY, D("99.99"), D("0.05")),
            RecordTrade(2_000_000, Side.BUY, D("99.99"), D(0)),
            RecordTrade(2_000_000, Side.BUY, D("NaN"), D(1)),
            RecordTop(2_000_000, D("99.99"), D(1), D(0), D(1)),
            RecordDepth(2_000_000, ((D("99.99"), D(-1)),), ()),
            RecordTrade(999_999, Side.BUY, D("99.99"), D(1)),
        ):
            with pytest.raises(ValueError, match=r"not a |older"):
                writer.write(bad)
        writer.write(RecordTrade(3_000_000, Side.BUY, D("100.01"), D(1)))
        writer.write(RecordTrade(2_500_000, Side.BUY, D("100.01"), D(1)))
    _, lines = read_record(tmp_path / "r.gz")
    assert [line.t_us for line in lines] == [0, 2000, 2000]


def test_a_flushed_record_is_readable_after_its_writer_died(tmp_path):
    writer = RecordWriter(tmp_path / "live.gz", HEADER)
    writer.write(SNAPSHOT)
    writer.flush()
    (tmp_path / "left.gz").write_bytes((tmp_path / "live.gz").read_bytes())
    writer.close()
    _, lines = read_record(tmp_path / "left.gz")
    assert [line.kind for line in lines] == ["s"]
    assert Record(tmp_path / "left.gz").duration_us == 100_000


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "bad record header"),
        (["[]"], "not a dcmm-record"),
        ([{**HEAD_LINE, "version": 2}], "version 1"),
        ([{**HEAD_LINE, "tick": "-1"}], "positive"),
        ([{**HEAD_LINE, "lot": "x"}], "bad record header"),
        ([HEAD_LINE], "starts with a snapshot"),
        ([HEAD_LINE, ["d", 0, [[1, 1]], [[2, 1]]]], "starts with a snapshot"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], []]], "starts with a snapshot"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["t", 5, "x", 1, 1]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["t", 5, "b", 1.5, 1]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["t", 5, "b", 1, 0]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["d", 5, [[1, -1]], []]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["d", 5, [[1]], []]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["z", 5]], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], "{"], "r.gz:3"),
        ([HEAD_LINE, ["s", 0, [[1, 1]], [[2, 1]]], ["t", 5, "b", 3, 1]], "mirrored"),
        ([HEAD_LINE, ["s", 9, [[1, 1]], [[2, 1]]], ["d", 5, [], []]], "backwards"),
    ],
)
def test_corrupt_records_are_refused_with_a_reason(tmp_path, lines, message):
    with pytest.raises(RecordError, match=message):
        Record(write(tmp_path / "r.gz", *lines))


def test_missing_or_not_gzip(tmp_path):
    with pytest.raises(RecordError, match="cannot read"):
        read_header(tmp_path / "none.gz")
    (tmp_path / "plain.gz").write_text("hello\n")
    with pytest.raises(RecordError, match="cannot read"):
        read_header(tmp_path / "plain.gz")


def test_mirrored_lines():
    depth = RecordLine("d", 7, bids=((99, 5),), asks=((101, 6), (205, 1)))
    assert depth.mirrored(204) == RecordLine("d", 7, ((103, 6),), ((105, 5),), Side.SELL, 204, 0)
    trade = RecordLine("t", 7, side=Side.BUY, price=101, size=3)
    mirrored = trade.mirrored(204)
    assert (mirrored.side, mirrored.price, mirrored.size) == (Side.SELL, 103, 3)


# --- the listed records -------------------------------------------------------------------------------------------


def test_listed_records_fit_their_instruments_and_say_what_they_are():
    for listing in LISTINGS.values():
        header = read_header(listing.record_path)
        instrument = listing.instrument
        assert (header.symbol, header.tick, header.lot) == (instrument.symbol, instrument.tick, instrument.lot_step)
    assert read_header(DCT_USDT.record_path).label == "recorded market, rescaled"
    assert read_header(GRAM_USDT.record_path).label == "recorded swaps, built book"
    assert read_header(ETH_PERPETUAL.record_path).label == "recorded market, units converted"
    assert sum(path.stat().st_size for path in RECORDS_DIR.iterdir()) < 2_000_000


def test_dct_record_is_the_recorded_market(dct):
    kinds = [dct.line(number).kind for number in range(len(dct.raw))]
    assert (len(kinds), kinds.count("t")) == (33557, 6106)
    first, trade = dct.line(0), next(dct.line(n) for n, kind in enumerate(kinds) if kind == "t")
    assert (len(first.bids), len(first.asks)) == (1000, 1000)
    # raw: best bid 2683.80 with 3.0292 ETH; first trade at 2683.80, 0.002 ETH, buyer is maker, 188,541 µs later
    assert first.bids[0] == (268380, 30292)
    assert (trade.t_us, trade.side, trade.price, trade.size) == (188541, Side.SELL, 268380, 20)
    assert dct.header.start_ns == 1723161254152322667


def test_eth_record_is_the_recorded_perpetual_in_linear_contracts(eth):
    kinds = [eth.line(number).kind for number in range(len(eth.raw))]
    assert (len(kinds), kinds.count("t")) == (35500, 1732)
    first = eth.line(0)
    assert (len(first.bids), len(first.asks)) == (1000, 1000)
    # raw snapshot: bids 159 at 2682.17, 63 at 2682.12; ask 3793 at 2682.18. By hand, in contracts of 0.1 ETH:
    # 159 × 10 USD / 2682.17 = 0.592803 ETH = 5.92803; 630 / 2682.12 = 0.234889 ETH; 37930 / 2682.18 = 14.141482 ETH
    assert first.bids[:2] == ((268217, 593), (268212, 235))
    assert first.asks[0] == (268218, 14141)
    # raw, 6,505 µs later: 2685.33 is gone, 33968 at 2685.35: 339680 / 2685.35 = 126.493753 ETH
    depth = eth.line(1)
    assert (depth.t_us, depth.bids, depth.asks) == (6505, (), ((268533, 0), (268535, 126494)))
    # raw: the first trades at 2682.18, 1, 11, 22 contracts, the buyer takes; 10, 110, 220 USD / 2682.18 =
    # 0.003728, 0.041011, 0.082023 ETH
    trades = [eth.line(number) for number, kind in enumerate(kinds) if kind == "t"][:3]
    assert [(t.t_us, t.side, t.price, t.size) for t in trades] == [
        (893694, Side.BUY, 268218, 4),
        (893900, Side.BUY, 268218, 41),
        (893902, Side.BUY, 268218, 82),
    ]
    assert eth.header.start_ns == 1723161256612430565


def test_no_recorded_quantity_vanishes_in_the_conversion(eth):
    assert binance_inverse.linear_contracts("2682.18", "1") == D("0.04")
    assert binance_inverse.linear_contracts("20000", "1") == D("0")  # 0.005, half to even
    assert binance_inverse.linear_contracts("20000", "3") == D("0.02")  # 0.015, half to even
    assert binance_inverse.linear_contracts("2682.13", "0") == D(0)
    assert max(eth.line(0).asks)[0] < 1_999_999


@pytest.mark.parametrize("name", ["dct", "gram", "eth"])
def test_recorded_books_never_cross_and_never_lose_a_side(name, request):
    spreads = []
    book = RecordedBook()
    record = request.getfixturevalue(name)
    for number in range(len(record.raw)):
        book.fold(record.line(number))
        if number % 5 == 0 or len(record.raw) < 5000:  # the replay's tests watch every published change
            spreads.append(min(book.asks) - max(book.bids))
    assert min(spreads) == {"dct": 1, "gram": 30, "eth": 1}[name]


def test_gram_record_is_what_the_converter_makes(tmp_path, gram):
    made = tmp_path / "made.gz"
    assert ton_swaps.convert(RECORDS_DIR / "dedust_ton_usdt_swaps_202601.csv.gz", made) == 2836
    assert Record(made).fingerprint == gram.fingerprint
    assert read_header(made) == gram.header


def test_gram_swaps_are_freed_of_the_fee_cut_and_compressed():
    swaps, factor, cuts = ton_swaps.read_swaps(RECORDS_DIR / "dedust_ton_usdt_swaps_202601.csv.gz")
    assert (len(swaps), factor, cuts) == (620, D(43), 1)
    gaps = sorted((b.t_us - a.t_us) / 1e6 for a, b in pairwise(swaps))
    assert gaps[len(gaps) // 2] == pytest.approx(1.0, abs=0.03)
    assert gaps[-1] <= 1800 / 43
    assert max(abs(b.mid - a.mid) for a, b in pairwise(swaps)) <= 92  # 61 bps: no jump at the cut


SWAPS = """utime,lt,venue,side,price_usdt_per_ton,ton_amount,usdt_amount,tx_hash
1000,1,dedust,buy,2.0020,10.004,20,a
1010,2,stonfi,buy,3,10,30,b
1040,3,dedust,sell,1.9980,5,10,c
1080,4,dedust,buy,2.0020,0.004,0.01,d
9000,5,dedust,sell,1.0,7,7,e
9040,6,dedust,buy,1.0020,8,8,f
"""


def test_swap_reader_by_hand(tmp_path):
    raw = tmp_path / "s.csv"
    raw.write_text(SWAPS)
    swaps, factor, cuts = ton_swaps.read_swaps(raw)
    assert (factor, cuts) == (D(40), 1)  # gaps 40, 40, 7920 (cut), 40
    # mids: 2.0020 × 0.999 = 1.999998; 1.9980 / 0.999 = 2; the cut joins 1.0 / 0.999 = 1.0010 on to 2.0000;
    # then 1.0020 × 0.999 = 1.000998, the same 1.0010
    assert [(s.t_us, s.side.value, s.mid, s.size) for s in swaps] == [
        (0, "buy", 20000, 1000),
        (1_000_000, "sell", 20000, 500),
        (3_000_000, "sell", 20000, 700),
        (4_000_000, "buy", 20000, 800),
    ]


def test_built_book_prints_through_its_levels():
    book = ton_swaps.BuiltBook([10], seed=1)
    book.centre(15000)
    assert (max(book.sides[Side.BUY]), min(book.sides[Side.SELL])) == (14985, 15015)  # 10 bps of 15,000 ticks: 15
    assert set(book.sides[Side.SELL].values()) == {30}
    assert book.print_through(Side.BUY, 70) == [(15015, 30), (15016, 30), (15017, 10)]
    assert book.sides[Side.SELL][15017] == 20
    assert book.print_through(Side.SELL, 2000)[-1] == (14956, 2000 - 29 * 30)


def line(stamp, stream, **data):
    return f"{stamp} " + json.dumps({"stream": f"ethusdt@{stream}", "data": data})


def test_binance_streams_merge_by_update_id(tmp_path):
    raw, made = tmp_path / "raw.gz", tmp_path / "made.gz"
    bids, asks = [["99.00", "1"], ["98.00", "2"]], [["101.00", "1"], ["102.00", "3"], ["103.00", "5"]]
    snapshot = {"lastUpdateId": 100, "bids": bids, "asks": asks}
    write(
        raw,
        line(900, "bookTicker", u=99, b="97.00", B="1", a="103.00", A="1"),  # before the snapshot
        "1000000 " + json.dumps(snapshot),
        line(2000000, "depth@100ms", u=100, b=[["98.50", "9"]], a=[]),  # in the snapshot already
        line(3000000, "bookTicker", u=105, b="99.50", B="1.5", a="102.00", A="3"),
        line(4000000, "depth@100ms", u=103, b=[["99.70", "4"], ["98.00", "0"]], a=[["101.00", "2"]]),  # older than 105
        line(5000000, "trade", p="99.50", q="0.0042", m=True),
        line(6000000, "depth@100ms", u=110, b=[["102.00", "1"]], a=[["90.00", "1"]]),  # crosses; 90 is out of range
        line(7000000, "bookTicker", u=111, b="102.00", B="1", a="102.50", A="2"),
        line(
            8000000, "bookTicker", u=112, b="102.00", B="1", a="102.49", A="2"
        ),  # half a tick off the mirror: left off
    )
    assert binance_spot.convert(raw, made) == 6
    lines = gzip.decompress(made.read_bytes()).decode().splitlines()[1:]
    assert lines == [
        '["s",0,[[9900,10000],[9800,20000]],[[10100,10000],[10200,30000],[10300,50000]]]',
        '["d",2000,[[9950,15000]],[[10100,0]]]',
        '["d",3000,[[9800,0]],[]]',
        '["t",4000,"s",9950,42]',
        '["d",5000,[[10200,10000]],[[10200,0]]]',
        '["d",6000,[],[[10250,20000]]]',
    ]


def test_an_inverse_feed_becomes_linear_contracts(tmp_path):
    raw, made = tmp_path / "raw.gz", tmp_path / "made.gz"
    snapshot = {"lastUpdateId": 100, "bids": [["2000.00", "40"]], "asks": [["2500.00", "50"]]}
    write(
        raw,
        "1000000 " + json.dumps(snapshot),
        line(2000000, "depth@0ms", u=101, b=[["2000.00", "60"]], a=[["2500.00", "0"], ["2400.00", "48"]]),
        line(3000000, "bookTicker", u=102, b="2100.00", B="21", a="2400.00", A="24"),
        line(4000000, "trade", p="2400.00", q="12", m=False),
        line(5000000, "bookTicker", u=103, b="2100.00", B="42", a="2400.00", A="24"),
    )
    assert binance_inverse.convert(raw, made) == 5
    lines = gzip.decompress(made.read_bytes()).decode().splitlines()[1:]
    # 40 × 10 / 2000 / 0.1 = 2 contracts; 50 × 10 / 2500 / 0.1 = 2; 60 -> 3; 48 at 2400 -> 2; 21 at 2100 -> 1; 12 -> 0.5
    assert lines == [
        '["s",0,[[200000,200]],[[250000,200]]]',
        '["d",1000,[[200000,300]],[[240000,200],[250000,0]]]',
        '["d",2000,[[210000,100]],[[240000,100]]]',
        '["t",3000,"b",240000,50]',
        '["d",4000,[[210000,200]],[]]',
    ]
