"""Records: what was seen can be read back, bounded in size and age, and a full disk stops nothing but the recorder."""

from __future__ import annotations

import errno
import os
from decimal import Decimal as D
from pathlib import Path

import pytest

from tests.market_data.scripted_venue import book, info, trade
from trading.market_data.recorder import Recorder, RecorderPolicy, changed_levels, enforce_retention
from trading.sandbox.records_format import RecordHeader, RecordWriter, read_header, read_record
from trading.sandbox.types import RecordDepth, RecordTrade
from trading.venues.interface import Level, OrderBook, Side

START = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
BOOKS = [
    book("m", [("0.2500", "10"), ("0.2499", "7")], [("0.2502", "10"), ("0.2505", "3")]),
    book("m", [("0.2500", "4"), ("0.2499", "7")], [("0.2502", "10"), ("0.2505", "3")]),
    book("m", [("0.2499", "7")], [("0.2501", "2"), ("0.2502", "10"), ("0.2505", "3")]),
    book("m", [("0.2499", "7"), ("0.2490", "1")], [("0.2502", "10")]),
]


def replayed(path: Path) -> list[tuple[dict[D, D], dict[D, D]]]:
    """The books that a reader of the record puts together, event by event; written without the recorder's own code."""
    header, lines = read_record(path)
    bids: dict[D, D] = {}
    asks: dict[D, D] = {}
    found = []
    for line in lines:
        event = line.event(header, header.start_ns + line.t_us * 1000)
        if not isinstance(event, RecordDepth):
            continue
        if event.snapshot:
            bids, asks = {}, {}
        for side, levels in ((bids, event.bids), (asks, event.asks)):
            for price, size in levels:
                side[price] = size
                if not size:
                    del side[price]
        found.append((dict(bids), dict(asks)))
    return found


def as_sides(one: OrderBook) -> tuple[dict[D, D], dict[D, D]]:
    return {level.price: level.size for level in one.bids}, {level.price: level.size for level in one.asks}


def recorder(folder: Path, **policy: object) -> Recorder:
    return Recorder(info("m"), RecorderPolicy(folder, free_bytes=0, **policy), "dex m", "scripted")


def files(folder: Path) -> list[Path]:
    return sorted((folder / "m").glob("*.jsonl.gz"))


def test_what_was_recorded_is_what_was_seen(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    for number, seen in enumerate(BOOKS):
        one.on_book(seen, START + number * SECOND)
    one.on_trade(trade("m", "1", "0.2502", START, Side.SELL), START + 4 * SECOND)
    one.close()
    (path,) = files(tmp_path)
    assert replayed(path) == [as_sides(seen) for seen in BOOKS]
    header, lines = read_record(path)
    assert (header.symbol, header.tick, header.lot, header.start_ns, header.label) == (
        "DCT/USDT", D("0.0001"), D("0.1"), START, "scripted",
    )  # fmt: skip
    last = [line.event(header, START + line.t_us * 1000) for line in lines][-1]
    assert isinstance(last, RecordTrade)
    assert (last.ts_ns, last.side.value, last.price, last.size) == (START + 4 * SECOND, "sell", D("0.2502"), D(5))


def test_a_book_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    for _ in range(3):
        one.on_book(BOOKS[0], START)
    one.close()
    assert len(replayed(files(tmp_path)[0])) == 1


def test_after_a_lost_feed_the_book_is_written_whole(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.on_book(BOOKS[0], START)
    one.on_reset()
    one.on_trade(trade("m", "1", "0.2502", START), START)  # no book is known: left out
    one.on_book(BOOKS[3], START + SECOND)
    one.close()
    _, lines = read_record(files(tmp_path)[0])
    assert [line.kind for line in lines] == ["s", "s"]


def test_a_record_starts_with_both_sides(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.on_book(book("m", [("0.25", "1")], []), START)
    assert not (tmp_path / "m").exists()
    one.on_book(BOOKS[0], START + SECOND)
    one.close()
    assert replayed(files(tmp_path)[0]) == [as_sides(BOOKS[0])]


def test_rotation_by_age_and_by_size(tmp_path: Path) -> None:
    one = recorder(tmp_path, rotate_s=60.0)
    one.on_book(BOOKS[0], START)
    one.on_book(BOOKS[1], START + 59 * SECOND)
    one.on_book(BOOKS[2], START + 60 * SECOND)
    one.close()
    assert [len(replayed(path)) for path in files(tmp_path)] == [2, 1]
    small = recorder(tmp_path / "small", rotate_bytes=1, flush_s=1.0)
    small.on_book(BOOKS[0], START)
    small.on_book(BOOKS[1], START + 2 * SECOND)  # flushed now
    small.on_book(BOOKS[2], START + 3 * SECOND)
    small.close()
    assert [len(replayed(path)) for path in files(tmp_path / "small")] == [2, 1]


def test_retention_by_age_and_total_size(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a record")
    for number in range(5):
        path = tmp_path / f"2026010{number}T000000.000000000.jsonl.gz"
        path.write_bytes(b"x" * 100)
        os.utime(path, ns=(START + number * 86_400 * SECOND,) * 2)
    now_ns = START + 5 * 86_400 * SECOND
    enforce_retention(tmp_path, RecorderPolicy(tmp_path, keep_s=3.5 * 86_400, keep_bytes=250), now_ns)
    assert sorted(path.name[:8] for path in tmp_path.glob("*.gz")) == ["20260103", "20260104"]
    enforce_retention(tmp_path, RecorderPolicy(tmp_path, keep_s=1.5 * 86_400, keep_bytes=10_000), now_ns)
    assert sorted(path.name[:8] for path in tmp_path.glob("*.gz")) == ["20260104"]
    assert (tmp_path / "notes.txt").exists()


def test_a_killed_writer_leaves_what_it_flushed(tmp_path: Path) -> None:
    one = recorder(tmp_path, flush_s=1.0)
    for number, seen in enumerate(BOOKS):
        one.on_book(seen, START + 2 * number * SECOND)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])  # as if the last bytes never reached the disk
    assert replayed(path)[:3] == [as_sides(seen) for seen in BOOKS[:3]]
    assert read_header(path).symbol == "DCT/USDT"
    one.close()


class FullDisk(RecordWriter):
    """A disk that is full from the third event on."""

    written = 0

    def write(self, event: object) -> None:
        FullDisk.written += 1
        if FullDisk.written > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(event)


def test_a_full_disk_turns_the_recorder_off_until_later(tmp_path: Path) -> None:
    full = True

    def open_writer(path: Path, header: RecordHeader) -> RecordWriter:
        return FullDisk(path, header) if full else RecordWriter(path, header)

    one = Recorder(info("m"), RecorderPolicy(tmp_path, free_bytes=0), "dex m", "scripted", open_writer)
    for number, seen in enumerate(BOOKS):
        one.on_book(seen, START + number * SECOND)
    assert one.problem == "record_not_writable"
    one.on_trade(trade("m", "1", "0.25", START), START + 5 * SECOND)
    full = False
    one.on_book(BOOKS[0], START + 200 * SECOND)  # still off
    assert len(files(tmp_path)) == 1
    one.on_book(BOOKS[1], START + 400 * SECOND)
    assert one.problem == ""
    one.close()
    assert [replayed(path) for path in files(tmp_path)] == [
        [as_sides(BOOKS[0]), as_sides(BOOKS[1])],
        [as_sides(BOOKS[1])],
    ]


def test_a_disk_with_too_little_room_is_left_alone(tmp_path: Path) -> None:
    one = Recorder(info("m"), RecorderPolicy(tmp_path, free_bytes=2**62), "dex m", "scripted")
    one.on_book(BOOKS[0], START)
    assert (one.problem, files(tmp_path)) == ("record_not_writable", [])


def test_a_folder_that_cannot_be_made_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("a file where the folder should be")
    one = recorder(tmp_path)
    one.on_book(BOOKS[0], START)
    assert one.problem == "record_not_writable"


def test_a_price_off_the_tick_turns_the_recorder_off(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.on_book(book("m", [("0.25001", "1")], [("0.2502", "1")]), START)
    assert one.problem == "record_off_grid"


@pytest.mark.parametrize("falling", [True, False])
def test_changed_levels_of_any_two_sides_lead_from_one_to_the_other(falling: bool) -> None:
    import random

    dice = random.Random(7)
    for _ in range(300):
        sides = []
        for _ in range(2):
            prices = sorted(dice.sample(range(1, 12), dice.randint(0, 8)), reverse=falling)
            sides.append(tuple(Level(D(price), D(dice.randint(1, 2))) for price in prices))
        before, after = sides
        built = {level.price: level.size for level in before}
        for price, size in changed_levels(before, after, falling=falling):
            if size:
                assert built.get(price) != size
                built[price] = size
            else:
                del built[price]
        assert built == {level.price: level.size for level in after}
