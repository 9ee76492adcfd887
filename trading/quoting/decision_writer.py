"""Keeps decisions: from the stream to PostgreSQL, a row for what was sent, withheld or changed, batches for the rest.

One consumer (in the relay's process). An entry is acknowledged after its transaction committed, and counted at most once: rows
are unique by cycle and time, and a batch that was committed but not acknowledged is recognised when its entries come again.
An entry that no table can hold is found by writing its batch one by one, and set aside: it must not keep the others waiting.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
import structlog
from django.db import DataError, IntegrityError, connection, transaction

from trading import metrics
from trading.clock import Clock, SystemClock, to_datetime
from trading.hot_state import decisions as stream
from trading.hot_state.codec import HotStateCorrupt, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.decisions import HotDecision
from trading.models import Decision, DecisionBatch, Market
from trading.storable import storable_json, storable_text

log = structlog.get_logger(__name__)
CONSUMER = "writer"
READ_COUNT = 500
BLOCK_MS = 500
# A minute is closed this long after its end; a cycle that is recorded later makes a second batch of that minute.
MINUTE_CLOSED_AFTER_S = 3.0
LARGEST_BATCH = 2_000
# What a single entry can do to its batch: a value that no column holds, or that breaks a constraint.
POISON = (DataError, IntegrityError, ArithmeticError, ValueError, RecursionError)

_COUNT = """
INSERT INTO market_minutes (market_id, minute, cycles, two_sided, one_sided, spread_bps_sum)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (market_id, minute) DO UPDATE SET cycles = market_minutes.cycles + EXCLUDED.cycles,
    two_sided = market_minutes.two_sided + EXCLUDED.two_sided, one_sided = market_minutes.one_sided + EXCLUDED.one_sided,
    spread_bps_sum = market_minutes.spread_bps_sum + EXCLUDED.spread_bps_sum
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision of the stream."""

    entry_id: str
    decision: HotDecision
    body: bytes = b""

    @property
    def at(self) -> datetime:
        return to_datetime(self.decision.at_ns)

    @property
    def minute(self) -> datetime:
        return self.at.replace(second=0, microsecond=0)


@dataclass(slots=True)
class DecisionWriter:
    """`held`: unchanged cycles of minutes not yet closed, by market and minute; they stay unacknowledged."""

    client: redis.Redis
    clock: Clock
    held: dict[tuple[str, datetime], list[Entry]] = field(default_factory=dict)

    def recover(self) -> int:
        """Take up what was delivered to an earlier process and never acknowledged; how many entries."""
        stream.ensure_group(self.client)
        after, found = "0", 0
        while True:
            batch = stream.read_batch(self.client, CONSUMER, after=after, count=READ_COUNT, block_ms=None)
            if not batch:
                return found
            after, found = batch[-1][0], found + len(batch)
            entries = self._entries(batch)
            kept = already_batched(entries)
            stream.acknowledge(self.client, [entry.entry_id for entry in entries if entry.decision.cycle_id in kept])
            self._take([entry for entry in entries if entry.decision.cycle_id not in kept])

    def step(self, block_ms: int = BLOCK_MS) -> int:
        """Read what is new, write it, close minutes that are over; how many entries were read."""
        batch = stream.read_batch(self.client, CONSUMER, after=">", count=READ_COUNT, block_ms=block_ms)
        self._take(self._entries(batch))
        self._close_minutes()
        return len(batch)

    def flush(self) -> None:
        """Write everything held, whatever its minute."""
        for key in sorted(self.held):
            self._write_batch(key)

    def _entries(self, batch: Sequence[tuple[str, bytes]]) -> list[Entry]:
        """The readable ones; what can't be read is set aside, since it never will be."""
        entries = []
        for entry_id, body in batch:
            try:
                entry = Entry(entry_id, stream.parse_decision(body), body)
                _check(entry)
                entries.append(entry)
            except (HotStateCorrupt, ArithmeticError, ValueError, OSError) as problem:
                self._set_aside(entry_id, body, problem)
        return entries

    def _set_aside(self, entry_id: str, body: bytes, problem: Exception) -> None:
        reason = f"{type(problem).__name__}: {problem}"[:300]
        log.error("decision_set_aside", entry=entry_id, problem=reason)
        stream.set_aside(self.client, entry_id, body, reason)
        metrics.DECISIONS_SET_ASIDE.inc()

    def _take(self, entries: Sequence[Entry]) -> None:
        self._keep([entry for entry in entries if entry.decision.notable], write_rows)
        for entry in entries:
            if not entry.decision.notable:
                key = (entry.decision.slug, entry.minute)
                self.held.setdefault(key, []).append(entry)
                if len(self.held[key]) >= LARGEST_BATCH:
                    self._write_batch(key)

    def _keep(self, entries: Sequence[Entry], write: Callable[[Sequence[Entry]], Any]) -> None:
        """Write `entries` and acknowledge them; where one of them is refused, one by one, without it."""
        if not entries:
            return
        try:
            write(entries)
        except POISON as problem:
            if _partition_is_missing(problem):
                raise
            if len(entries) == 1:
                self._set_aside(entries[0].entry_id, entries[0].body, problem)
                return
            log.warning("decisions_refused", entries=len(entries), problem=type(problem).__name__)
            for entry in entries:
                self._keep([entry], write)
            return
        stream.acknowledge(self.client, [entry.entry_id for entry in entries])

    def _close_minutes(self) -> None:
        now_s = self.clock.now_ns() / 1e9
        for key in sorted(self.held):
            if now_s >= key[1].timestamp() + 60 + MINUTE_CLOSED_AFTER_S:
                self._write_batch(key)

    def _write_batch(self, key: tuple[str, datetime]) -> None:
        self._keep(self.held[key], write_batch)
        del self.held[key]


def _check(entry: Entry) -> None:
    """Refuse what would break even a question to the database: a name with a NUL, a time that no calendar holds."""
    names = entry.decision.slug + entry.decision.cycle_id
    if storable_text(names) != names or entry.minute.year < 2000:
        raise ValueError("an identity or a time that no table can hold")


def _partition_is_missing(problem: Exception) -> bool:
    """A day without a partition refuses every entry: nobody's fault but ours, and mended by making it."""
    return isinstance(problem, IntegrityError) and "no partition of relation" in str(problem)


def write_rows(entries: Sequence[Entry]) -> int:
    """A row for each entry that has none yet, with its part in the minute's counters; one transaction."""
    with transaction.atomic():
        known = set(
            Decision.objects.filter(
                cycle_id__in=[entry.decision.cycle_id for entry in entries], at__in=[entry.at for entry in entries]
            ).values_list("cycle_id", flat=True)
        )
        new = [entry for entry in entries if entry.decision.cycle_id not in known]
        Decision.objects.bulk_create([_row(entry) for entry in new], batch_size=200)
        _count_minutes(new)
    metrics.DECISIONS_WRITTEN.labels("row").inc(len(new))
    return len(new)


def _row(entry: Entry) -> Decision:
    one = entry.decision
    return Decision(
        at=entry.at,
        market=one.slug,
        cycle_id=one.cycle_id,
        outcome=one.outcome,
        reason=storable_text(one.reason),
        parameter_version=one.parameter_version,
        code_version=one.code_version,
        inputs=_document(one.inputs),
        result=_document(one.result),
        orders=_document(one.orders),
        epoch=one.epoch,
        duration_ms=one.duration_ms,
    )


def _document(body: Any) -> Any:
    """JSON as the column can hold it. Looking for what has to go costs more than it should where nothing has."""
    raw = bytes(body)
    value = json.loads(raw)
    return storable_json(value) if b"\\u" in raw else value


def write_batch(entries: Sequence[Entry]) -> None:
    """One batch of one market's unchanged cycles, with its part in the minutes' counters; one transaction."""
    ordered = sorted(entries, key=lambda entry: entry.decision.at_ns)
    body = zlib.compress(b"\n".join(encode(entry.decision) for entry in ordered), 6)
    with transaction.atomic():
        DecisionBatch.objects.create(
            market=ordered[0].decision.slug,
            first_at=ordered[0].at,
            last_at=ordered[-1].at,
            cycles=len(ordered),
            body=body,
        )
        _count_minutes(ordered)
    metrics.DECISIONS_WRITTEN.labels("batch").inc(len(ordered))


def batch_lines(batch: DecisionBatch) -> list[HotDecision]:
    """The cycles of a batch, oldest first. Raises `HotStateCorrupt`, zlib.error."""
    return [stream.parse_decision(line) for line in zlib.decompress(bytes(batch.body)).split(b"\n")]


def already_batched(entries: Sequence[Entry]) -> set[str]:
    """Cycle ids among `entries` that stand in a batch already."""
    quiet = [entry for entry in entries if not entry.decision.notable]
    if not quiet:
        return set()
    wanted = {entry.decision.cycle_id for entry in quiet}
    first, last = min(entry.at for entry in quiet), max(entry.at for entry in quiet)
    overlapping = DecisionBatch.objects.filter(
        market__in={entry.decision.slug for entry in quiet}, first_at__lte=last, last_at__gte=first
    )
    found = {line.cycle_id for batch in overlapping.iterator(chunk_size=50) for line in batch_lines(batch)}
    return wanted & found


def _count_minutes(entries: Iterable[Entry]) -> None:
    counts: dict[tuple[str, datetime], list[float]] = {}
    for entry in entries:
        row = counts.setdefault((entry.decision.slug, entry.minute), [0, 0, 0, 0.0])
        sides = entry.decision.resting_sides
        row[0] += 1
        row[1] += sides == 2
        row[2] += sides == 1
        row[3] += entry.decision.spread_bps or 0.0
    slugs = {slug for slug, _ in counts}
    ids = dict(Market.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    with connection.cursor() as cursor:
        for (slug, minute), row in sorted(counts.items()):
            if slug in ids:
                cursor.execute(_COUNT, [ids[slug], minute, *row])


def run(stop: threading.Event, clock: Clock | None = None) -> None:
    """Write decisions until `stop`. Raises what the database or Redis raise: the caller starts it again."""
    writer = DecisionWriter(sync_client(), clock or SystemClock())
    writer.recover()
    while not stop.is_set():
        metrics.DECISIONS_WAITING.set(_step_or_refill(writer))
    writer.flush()


def _step_or_refill(writer: DecisionWriter) -> int:
    """One step; a Redis that was emptied gets its consumer group again. How many entries still wait."""
    try:
        writer.step()
        return stream.backlog(writer.client)
    except redis.ResponseError as problem:
        if "NOGROUP" not in str(problem):
            raise
        stream.ensure_group(writer.client)
        return 0
