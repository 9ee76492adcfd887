"""Plays a market record into the exchange, endlessly: even passes as recorded, odd passes mirrored in price.

An odd pass runs forward in time, too, with every price p replaced by (first mid + last mid − p) and the sides
swapped. It therefore starts at the mid where the even pass before it ended and ends where that one had started: no jump
at the seams, no drift over two passes, and cause still comes before effect. Where the sum of the two mids is no whole
number of ticks it is rounded down, a step of half a tick at the seam.

Events are restamped: they happen when they are due on the venue's clock, with the venue's own ids. Our orders have no
impact on what the record does next.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from pathlib import Path

from trading.sandbox.exchange import Exchange
from trading.sandbox.records_format import RecordError, RecordHeader, RecordLine, parse_line, read_header, read_lines

SEAM_US = 100_000  # pause between the last event of a pass and the first of the next
CURSOR_COMMIT_NS = 1_000_000_000
CHECKPOINT = 4096


class RecordedBook:
    """The record's own levels in ticks and lots, folded from its lines."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def fold(self, line: RecordLine) -> None:
        if line.kind == "t":
            return
        if line.kind == "s":
            self.bids, self.asks = {}, {}
        if line.kind == "b":
            bid, ask = line.bids[0][0], line.asks[0][0]
            self.bids = {price: size for price, size in self.bids.items() if price <= bid}
            self.asks = {price: size for price, size in self.asks.items() if price >= ask}
        for side, levels in ((self.bids, line.bids), (self.asks, line.asks)):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    def double_mid(self) -> int | None:
        """Best bid + best ask, ticks; None while a side is empty."""
        return max(self.bids) + min(self.asks) if self.bids and self.asks else None

    def snapshot(self, t_us: int) -> RecordLine:
        bids = tuple(sorted(self.bids.items(), reverse=True))
        return RecordLine("s", t_us, bids, tuple(sorted(self.asks.items())))


class Record:
    """A whole record in memory: raw lines (parsed when played), their times, and the mirror's sum of mids."""

    def __init__(self, path: Path) -> None:
        """Reads and checks every line. RecordError when the file is missing, corrupt or has no full book."""
        self.path = path
        self.header: RecordHeader = read_header(path)
        self.raw = list(read_lines(path))
        self.times_us: list[int] = []
        self._checkpoints: list[RecordLine] = []  # the book before every CHECKPOINT-th event
        digest = hashlib.sha256()
        book = RecordedBook()
        first: int | None = None
        highest = 0
        for number, raw in enumerate(self.raw):
            if number % CHECKPOINT == 0:
                self._checkpoints.append(book.snapshot(0))
            line = self._timed_line(number)
            book.fold(line)
            digest.update(raw)
            highest = max(highest, line.price, line.bids[0][0] if line.kind == "b" else 0)
            if number == 0 and line.kind == "s":
                first = book.double_mid()
        last = book.double_mid()
        if first is None or last is None:
            raise RecordError(f"{path}: a record starts with a snapshot and ends with bids and asks")
        self.mirror_sum = (first + last) // 2
        if highest >= self.mirror_sum:
            raise RecordError(f"{path}: prices rise to more than double the mean mid, they cannot be mirrored")
        self.duration_us = self.times_us[-1] + SEAM_US
        self.fingerprint = digest.hexdigest()[:16]

    def _timed_line(self, number: int) -> RecordLine:
        line = self.line(number)
        if self.times_us and line.t_us < self.times_us[-1]:
            raise RecordError(f"{self.path}:{number + 2}: time runs backwards")
        self.times_us.append(line.t_us)
        return line

    def line(self, number: int) -> RecordLine:
        return parse_line(self.raw[number], f"{self.path.name}:{number + 2}")

    def book_before(self, number: int) -> RecordLine:
        """The record's book as one snapshot line, just before event `number` (at least 1)."""
        book = RecordedBook()
        start = min(number // CHECKPOINT, len(self._checkpoints) - 1)
        book.fold(self._checkpoints[start])
        for earlier in range(start * CHECKPOINT, number):
            book.fold(self.line(earlier))
        return book.snapshot(self.times_us[number - 1])


class Replay:
    """One record into one symbol. The cursor (pass, event) is kept in the exchange's ledger and outlives a restart.

    After a kill the cursor may be up to a second behind the last event played; it is never behind a fill.
    `start_offset_s` counts from the record's start and matters only when the ledger holds no cursor into this record
    yet. Opening it loads the book of the cursor's moment into the exchange at once; the next event is due after its
    recorded distance. The time in which the venue was down does not pass in the record.
    """

    def __init__(
        self, exchange: Exchange, symbol: str, record: Path | Record, now_ns: int, start_offset_s: float = 0.0
    ) -> None:
        """RecordError when the record is unusable or not on the instrument's tick and lot."""
        if not 0 <= start_offset_s < 1e9:
            raise ValueError("start offset must be a number of seconds, 0 or more")
        self._exchange, self._symbol = exchange, symbol
        self._record = record if isinstance(record, Record) else Record(record)
        header, instrument = self._record.header, exchange.instruments[symbol]
        if header.tick % instrument.tick or header.lot % instrument.lot_step:
            raise RecordError(f"{self._record.path}: tick or lot does not fit the instrument {symbol}")
        self._pass, self._next = self._restored_cursor() or self._cursor_at(start_offset_s)
        self._anchor_ns = 0  # venue time of the current pass's start
        self._saved_ns = now_ns
        self._load_book(now_ns)

    @property
    def label(self) -> str:
        """What the market is, for pages: e.g. "recorded market, rescaled"."""
        return self._record.header.label

    @property
    def source(self) -> str:
        """Where the record comes from."""
        return self._record.header.source

    @property
    def pass_duration_s(self) -> float:
        return self._record.duration_us / 1e6

    @property
    def position(self) -> tuple[int, float]:
        """(pass number, seconds into the pass) of the next event."""
        return self._pass, self._record.times_us[self._next] / 1e6

    @property
    def next_due_ns(self) -> int:
        """When the next recorded event is due on the venue's clock."""
        return self._anchor_ns + self._record.times_us[self._next] * 1000

    def resume(self, now_ns: int) -> None:
        """Forget a backlog (the process was suspended): the next event is due now."""
        self._anchor_ns = now_ns - self._record.times_us[self._next] * 1000

    def play_until(self, now_ns: int, max_events: int | None = None) -> int:
        """Apply every event due by now (at most max_events), stamped `now_ns`; returns how many were applied."""
        played = 0
        while self.next_due_ns <= now_ns and (max_events is None or played < max_events):
            line = self._line(self._next)
            self._step()
            self._remember(commit=False)  # the cursor is committed with the fills of the event it passes
            self._exchange.apply_record(self._symbol, line.event(self._record.header, now_ns), now_ns)
            played += 1
        if now_ns - self._saved_ns >= CURSOR_COMMIT_NS:
            self._remember(commit=True)
            self._saved_ns = now_ns
        return played

    def _line(self, number: int) -> RecordLine:
        line = self._record.line(number)
        return line.mirrored(self._record.mirror_sum) if self._pass % 2 else line

    def _step(self) -> None:
        self._next += 1
        if self._next == len(self._record.raw):
            self._pass, self._next = self._pass + 1, 0
            self._anchor_ns += self._record.duration_us * 1000

    def _load_book(self, now_ns: int) -> None:
        header = self._record.header
        if self._next == 0:  # the pass starts with its own snapshot
            self._anchor_ns = now_ns - self._record.times_us[0] * 1000
            line = self._line(0)
            self._step()
        else:
            line = self._record.book_before(self._next)
            line = line.mirrored(self._record.mirror_sum) if self._pass % 2 else line
            self._anchor_ns = now_ns - self._record.times_us[self._next - 1] * 1000
        self._exchange.apply_record(self._symbol, line.event(header, now_ns), now_ns)
        self._remember(commit=True)

    def _cursor_at(self, offset_s: float) -> tuple[int, int]:
        number, rest_us = divmod(round(offset_s * 1e6), self._record.duration_us)
        event = bisect_left(self._record.times_us, rest_us)
        return (number, event) if event < len(self._record.raw) else (number + 1, 0)

    def _restored_cursor(self) -> tuple[int, int] | None:
        parts = (self._exchange.remembered(f"replay {self._symbol}") or "").split()
        if len(parts) != 3 or parts[0] != self._record.fingerprint:
            return None
        number, event = int(parts[1]), int(parts[2])
        return (number, event) if event < len(self._record.raw) else None

    def _remember(self, *, commit: bool) -> None:
        cursor = f"{self._record.fingerprint} {self._pass} {self._next}"
        self._exchange.remember(f"replay {self._symbol}", cursor, commit=commit)
