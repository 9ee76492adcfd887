r"""Market record files: what the sandbox plays and what a recorder of live markets writes.

A record is gzip-compressed JSON lines (UTF-8, `\n`). The first line is the header, an object:

    {"format": "dcmm-record", "version": 1, "symbol": "DCT/USDT", "base": "DCT", "quote": "USDT", "tick": "0.000001",
     "lot": "0.1", "source": "where it was recorded", "label": "how pages must call it",
     "start_ns": 1723161254024619568}

`tick` and `lot` are decimal strings; further keys are allowed and ignored. Every other line is one event, an array
whose second item is the time in whole microseconds since `start_ns`, never falling from line to line:

    ["s", t, [[price, size], ...], [[price, size], ...]]    all levels: bids, asks (best first); replaces the book
    ["d", t, [[price, size], ...], [[price, size], ...]]    changed levels: bids, asks; size 0 removes the level
    ["b", t, bid_price, bid_size, ask_price, ask_size]      best bid and ask; recorded levels better than them are gone
    ["t", t, "b" or "s", price, size]                       a print; the side is the taker's

Prices are whole numbers of ticks, sizes whole numbers of lots. The first event is an "s" with both sides present, so
that a replay starts from a full book; a recorder that lost its feed writes an "s" when it is back.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trading.sandbox.types import RecordDepth, RecordEvent, RecordTop, RecordTrade, Side

FORMAT = "dcmm-record"
VERSION = 1
Levels = tuple[tuple[int, int], ...]


class RecordError(Exception):
    """A record file can't be used; the message names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class RecordHeader:
    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    source: str
    label: str
    start_ns: int


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One event in ticks and lots. `kind` is s, d, b or t; Side, price and size are used by t only."""

    kind: str
    t_us: int
    bids: Levels = ()
    asks: Levels = ()
    side: Side = Side.BUY
    price: int = 0
    size: int = 0

    def mirrored(self, mirror_sum: int) -> RecordLine:
        """The same event with price p' = mirror_sum − p and the sides swapped; levels that would fall to 0 or below
        (asks at twice the mid and more) are left out."""
        bids, asks = (
            tuple((mirror_sum - price, size) for price, size in levels if price < mirror_sum)
            for levels in (self.asks, self.bids)
        )
        side = Side.SELL if self.side is Side.BUY else Side.BUY
        return RecordLine(self.kind, self.t_us, bids, asks, side, mirror_sum - self.price, self.size)

    def event(self, header: RecordHeader, ts_ns: int) -> RecordEvent:
        """The engine's event, in prices and quantities, stamped `ts_ns`."""
        if self.kind == "t":
            return RecordTrade(ts_ns, self.side, self.price * header.tick, self.size * header.lot)
        bids, asks = (
            tuple((price * header.tick, size * header.lot) for price, size in levels)
            for levels in (self.bids, self.asks)
        )
        if self.kind == "b":
            return RecordTop(ts_ns, *bids[0], *asks[0])
        return RecordDepth(ts_ns, bids, asks, snapshot=self.kind == "s")


class RecordWriter:
    """Writes a record file; a context manager. Events come in engine values and must sit on tick and lot."""

    def __init__(self, path: Path, header: RecordHeader) -> None:
        self._header = header
        self._last_us = 0
        self._raw = path.open("wb")
        self._gzip = gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", mtime=0)  # same events, same bytes
        described = {
            "format": FORMAT,
            "version": VERSION,
            "symbol": header.symbol,
            "base": header.base,
            "quote": header.quote,
            "tick": str(header.tick),
            "lot": str(header.lot),
            "source": header.source,
            "label": header.label,
            "start_ns": header.start_ns,
        }
        self._line(described)

    def write(self, event: RecordEvent) -> None:
        """Append an event. ValueError (and nothing written) for a price off the tick or not above 0, a size off the
        lot or not above 0 (a depth level's may be 0), or a time before the header's start. A time before the last
        event's is raised to it."""
        t_us = (event.ts_ns - self._header.start_ns) // 1000
        if t_us < 0:
            raise ValueError("event is older than the record's start")
        t_us = max(t_us, self._last_us)
        line: list[object]
        if isinstance(event, RecordTrade):
            side = "b" if event.side is Side.BUY else "s"
            line = ["t", t_us, side, self._ticks(event.price), self._lots(event.size, 1)]
        elif isinstance(event, RecordTop):
            line = ["b", t_us, self._ticks(event.bid), self._lots(event.bid_size, 1)]
            line += [self._ticks(event.ask), self._lots(event.ask_size, 1)]
        else:
            sides = [[[self._ticks(p), self._lots(q)] for p, q in side] for side in (event.bids, event.asks)]
            line = ["s" if event.snapshot else "d", t_us, *sides]
        self._line(line)
        self._last_us = t_us

    def flush(self) -> None:
        """Make everything written so far readable, also when the process dies afterwards."""
        self._gzip.flush(zlib.Z_SYNC_FLUSH)
        self._raw.flush()

    def close(self) -> None:
        self._gzip.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, value: object) -> None:
        self._gzip.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    def _ticks(self, price: Decimal) -> int:
        return _whole(price, self._header.tick, "price", 1)

    def _lots(self, size: Decimal, least: int = 0) -> int:
        return _whole(size, self._header.lot, "size", least)


def _whole(value: Decimal, step: Decimal, name: str, least: int) -> int:
    if not value.is_finite():
        raise ValueError(f"{name} {value} is not a number")
    number, rest = divmod(value, step)
    if rest or number < least:
        raise ValueError(f"{name} {value} is not a multiple of {step}, at least {least} of it")
    return int(number)


def read_header(path: Path) -> RecordHeader:
    """RecordError when the file is missing, not gzip, or not a record."""
    return _parse_header(path, next(_raw_lines(path), b""))


def read_lines(path: Path) -> Iterator[bytes]:
    """The event lines, unparsed. RecordError for an unreadable file; an unfinished last line (its writer was killed)
    ends the record without an error."""
    lines = _raw_lines(path)
    next(lines, None)
    yield from lines


def read_record(path: Path) -> tuple[RecordHeader, Iterator[RecordLine]]:
    """Header and parsed events; the iterator raises RecordError at the first bad line."""
    numbered = enumerate(read_lines(path), start=2)
    return read_header(path), (parse_line(raw, f"{path.name}:{number}") for number, raw in numbered)


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as stream:
            for line in _until_cut(stream):
                if line.endswith(b"\n"):
                    yield line
    except (OSError, zlib.error) as error:
        raise RecordError(f"{path}: cannot read the record: {error}") from error


def _until_cut(stream: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from stream
    except EOFError:  # the writer was killed before it closed the file: what it flushed counts
        return


def _parse_header(path: Path, raw: bytes) -> RecordHeader:
    try:
        found = json.loads(raw)
        if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("version") != VERSION:
            raise RecordError(f"{path}: not a {FORMAT} file of version {VERSION}")
        header = RecordHeader(
            symbol=str(found["symbol"]),
            base=str(found["base"]),
            quote=str(found["quote"]),
            tick=Decimal(found["tick"]),
            lot=Decimal(found["lot"]),
            source=str(found["source"]),
            label=str(found["label"]),
            start_ns=int(found["start_ns"]),
        )
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise RecordError(f"{path}: bad record header: {error!r}") from error
    if not (header.tick.is_finite() and header.lot.is_finite() and header.tick > 0 and header.lot > 0):
        raise RecordError(f"{path}: tick and lot must be positive")
    return header


def parse_line(raw: bytes, where: str) -> RecordLine:
    """One event line; RecordError naming `where` when it is malformed."""
    try:
        line = _build(json.loads(raw))
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise RecordError(f"{where}: bad record line: {error}") from error
    return line


def _build(
    item: Any,
) -> RecordLine:  # JSON of unknown shape: checked here, item by item
    kind, t_us = item[0], _integer(item[1], 0)
    if kind == "t":
        _, _, side, price, size = item
        taker = {"b": Side.BUY, "s": Side.SELL}[side]
        return RecordLine("t", t_us, side=taker, price=_integer(price, 1), size=_integer(size, 1))
    if kind == "b":
        _, _, bid, bid_size, ask, ask_size = item
        levels = [((_integer(p, 1), _integer(q, 1)),) for p, q in ((bid, bid_size), (ask, ask_size))]
        return RecordLine("b", t_us, levels[0], levels[1])
    if kind in {"s", "d"}:
        _, _, bids, asks = item
        sides = [tuple((_integer(p, 1), _integer(q, 0)) for p, q in side) for side in (bids, asks)]
        return RecordLine(kind, t_us, sides[0], sides[1])
    raise ValueError(f"unknown kind {kind!r}")


def _integer(value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{value!r} is not a whole number of at least {least}")
    return value
