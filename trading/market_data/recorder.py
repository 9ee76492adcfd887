"""Writes what a market's feed told to record files that the sandbox venue can replay (trading.sandbox.records_format).

Books come whole and are written as the levels that changed; a new file and a feed that was lost start with a whole
book. The record is the published market, own orders included. A recorder that cannot write turns itself off, says why,
and tries again later: the market data it watches goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import structlog

from trading import metrics
from trading.sandbox.records_format import RecordHeader, RecordWriter
from trading.sandbox.types import RecordDepth, RecordEvent, RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.interface import Level, MarketInfo, OrderBook, PublicTrade

log = structlog.get_logger(__name__)
Levels = tuple[Level, ...]
SUFFIX = ".jsonl.gz"
# Levels a side that are written: the book is walked along at every change.
DEPTH = 400


@dataclass(frozen=True, slots=True)
class RecorderPolicy:
    """Where and how much: a file is closed after `rotate_s` or `rotate_bytes` (compressed); a market keeps at most
    `keep_s` and `keep_bytes`, and the disk at least `free_bytes`."""

    folder: Path
    rotate_s: float = 3600.0
    rotate_bytes: int = 32_000_000
    keep_s: float = 7 * 86_400.0
    keep_bytes: int = 500_000_000
    free_bytes: int = 200_000_000
    flush_s: float = 5.0
    retry_s: float = 300.0


OpenWriter = Callable[[Path, RecordHeader], RecordWriter]


class Recorder:
    """The recorder of one market. Every method is quick and never raises; times are our wall clock."""

    def __init__(
        self, info: MarketInfo, policy: RecorderPolicy, source: str, label: str, open_writer: OpenWriter = RecordWriter
    ) -> None:
        self._info, self._policy, self._source, self._label = info, policy, source, label
        self._open_writer = open_writer
        self._folder = policy.folder / info.market
        self._writer: RecordWriter | None = None
        self._path: Path | None = None
        self._opened_ns = self._flushed_ns = self._off_until_ns = 0
        self._bids: Levels = ()
        self._asks: Levels = ()
        self._needs_snapshot = True
        self.problem = ""

    # --- what the feed tells ------------------------------------------------------------------------------------------

    def on_book(self, book: OrderBook, now_ns: int) -> None:
        """Write what changed since the last book."""
        if now_ns < self._off_until_ns:
            return
        bids, asks = book.bids[:DEPTH], book.asks[:DEPTH]
        try:
            self._rotate_when_due(now_ns)
            if self._writer is None:
                if not (bids and asks):
                    return  # a replay starts from a full book
                self._open(now_ns)
            if self._needs_snapshot:
                event = RecordDepth(now_ns, _pairs(bids), _pairs(asks), snapshot=True)
            else:
                changed_bids = changed_levels(self._bids, bids, falling=True)
                event = RecordDepth(now_ns, changed_bids, changed_levels(self._asks, asks, falling=False))
            if event.snapshot or event.bids or event.asks:
                self._write(event)
        except (OSError, ValueError) as problem:
            self._turn_off(problem, now_ns)
            return
        self._bids, self._asks, self._needs_snapshot = bids, asks, False
        self.flush_when_due(now_ns)

    def on_trade(self, trade: PublicTrade, now_ns: int) -> None:
        """Write a print; one before the first book of a file is left out."""
        if self._writer is None or self._needs_snapshot:
            return
        try:
            self._write(RecordTrade(now_ns, RecordSide(trade.side.value), trade.price, trade.size))
        except (OSError, ValueError) as problem:
            self._turn_off(problem, now_ns)

    def on_reset(self) -> None:
        """The feed lost its thread: the next book is written whole."""
        self._needs_snapshot = True

    def flush_when_due(self, now_ns: int) -> None:
        """Make what was written so far readable, every few seconds."""
        if self._writer is None or now_ns - self._flushed_ns < self._policy.flush_s * 1e9:
            return
        try:
            self._writer.flush()
        except OSError as problem:
            self._turn_off(problem, now_ns)
        self._flushed_ns = now_ns

    def close(self) -> None:
        """End the current file."""
        writer, self._writer = self._writer, None
        self._needs_snapshot = True
        if writer is None:
            return
        try:
            writer.close()
        except OSError as problem:
            log.warning("record_not_closed", market=self._info.market, problem=str(problem))

    # --- files --------------------------------------------------------------------------------------------------------

    def _write(self, event: RecordEvent) -> None:
        if self._writer is not None:
            self._writer.write(event)
            metrics.RECORDER_EVENTS.labels(self._info.market).inc()

    def _open(self, now_ns: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = free_bytes(self._folder)
        if free < self._policy.free_bytes:
            raise OSError(f"only {free} bytes are free, {self._policy.free_bytes} are to stay free")
        enforce_retention(self._folder, self._policy, now_ns)
        info = self._info
        header = RecordHeader(
            info.venue_symbol, info.base, info.quote, info.tick, info.lot_step, self._source, self._label, now_ns
        )
        stamp = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime("%Y%m%dT%H%M%S")
        self._path = self._folder / f"{stamp}.{now_ns % 1_000_000_000:09d}{SUFFIX}"
        self._writer = self._open_writer(self._path, header)
        self._opened_ns = self._flushed_ns = now_ns
        self._needs_snapshot = True
        if self.problem:
            metrics.RECORDER_OFF.labels(info.market, self.problem).set(0)
            self.problem = ""

    def _rotate_when_due(self, now_ns: int) -> None:
        if self._writer is None or self._path is None:
            return
        aged = now_ns - self._opened_ns >= self._policy.rotate_s * 1e9
        # The size on disk moves only with a flush, so that is when it is looked at.
        grown = self._flushed_ns > self._opened_ns and self._path.stat().st_size >= self._policy.rotate_bytes
        if aged or grown:
            self.close()

    def _turn_off(self, problem: Exception, now_ns: int) -> None:
        self.problem = "record_off_grid" if isinstance(problem, ValueError) else "record_not_writable"
        self._off_until_ns = now_ns + round(self._policy.retry_s * 1e9)
        metrics.RECORDER_OFF.labels(self._info.market, self.problem).set(1)
        log.error("recorder_off", market=self._info.market, code=self.problem, problem=str(problem)[:300])
        self.close()


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written to the disk of `folder`."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def enforce_retention(folder: Path, policy: RecorderPolicy, now_ns: int) -> None:
    """Delete the market's oldest records beyond age or total size. Nothing but record files is touched."""
    files = sorted(folder.glob(f"*{SUFFIX}"), reverse=True)
    kept = 0
    for path in files:
        status = path.stat()
        kept += status.st_size
        if kept > policy.keep_bytes or now_ns - status.st_mtime_ns > policy.keep_s * 1e9:
            path.unlink()
            log.info("record_deleted", file=path.name, size=status.st_size)


def _pairs(levels: Levels) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((level.price, level.size) for level in levels)


def changed_levels(before: Levels, after: Levels, *, falling: bool) -> tuple[tuple[Decimal, Decimal], ...]:
    """Levels of one side (best first) that differ, size 0 where one is gone.

    A walk along both sides instead of look-ups: most levels are the very same objects from one book to the next.
    """
    found: list[tuple[Decimal, Decimal]] = []
    old, new = 0, 0
    while old < len(before) and new < len(after):
        was, now = before[old], after[new]
        if was is now or was.price == now.price:
            if was.size != now.size:
                found.append((now.price, now.size))
            old, new = old + 1, new + 1
        elif (was.price > now.price) is falling:
            found.append((was.price, Decimal(0)))
            old += 1
        else:
            found.append((now.price, now.size))
            new += 1
    found.extend((level.price, Decimal(0)) for level in before[old:])
    found.extend((level.price, level.size) for level in after[new:])
    return tuple(found)
