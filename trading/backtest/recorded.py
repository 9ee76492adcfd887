"""What was recorded of a market lately: the inputs of its cycles (PostgreSQL) and the prints (record files). Reads only, no lock.

Decisions hold every number that the pure functions were given, so they are the source of the replay; the recorder's files add the
market's prints. The window is thinned before anything heavy is read: at most one cycle in each of `cycles` equal parts of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from trading.backtest.engine import PreviewTooSlow, WindowSpec
from trading.clock import to_datetime
from trading.hot_state.codec import HotStateCorrupt
from trading.hot_state.decisions import HotDecision
from trading.market_data.recorder import SUFFIX
from trading.models import Decision, DecisionBatch
from trading.quoting.decision_writer import batch_lines
from trading.quoting.plan import CycleInputs
from trading.risk.side import Side
from trading.sandbox.records_format import RecordError, parse_line, read_header, read_lines
from trading.sandbox.types import Side as RecordSide
from trading.strategy.codec import CodecError, from_dict

log = structlog.get_logger(__name__)
_US_NS = 1000
_PRINT = b'["t"'
# How often the deadline is looked at while lines of a record go by.
_LINES_BETWEEN_LOOKS = 2_000
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class RecordedPrint:
    """A trade of the market, own ones included. `side` is the taker's; time is our clock's at receipt."""

    at_ns: int
    side: Side
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class RecordedWindow:
    """Cycles oldest first; `first_ns`, `last_ns` of those found, `slot_ns` how long one stands for. `prints` oldest first; None:
    not recorded, `prints_problem` says why (coded)."""

    market: str
    seconds: float
    first_ns: int
    last_ns: int
    slot_ns: int
    found: int
    unreadable: int
    cycles: tuple[CycleInputs, ...]
    prints: tuple[RecordedPrint, ...] | None
    prints_problem: str


@dataclass(slots=True)
class _Chosen:
    """The first cycle of each slot: by slot, (time, id of its row or its stored inputs)."""

    start_ns: int
    slot_ns: int
    by_slot: dict[int, tuple[int, int | bytes]]
    found: int = 0
    first_ns: int = 0

    def offer(self, at_ns: int, what: int | bytes) -> None:
        self.found += 1
        self.first_ns = min(self.first_ns or at_ns, at_ns)
        # The window begins after its start and ends with its last cycle: both in whole slots.
        slot = (at_ns - self.start_ns - 1) // self.slot_ns
        known = self.by_slot.get(slot)
        if known is None or at_ns < known[0]:
            self.by_slot[slot] = (at_ns, what)


def read_window(
    market: str,
    spec: WindowSpec,
    cycles: int,
    prints: int,
    records: Path,
    check: Check,
    check_prints: Check,
    timeout_s: float,
) -> RecordedWindow:
    """The market's last recorded window: at most `cycles` of its cycles, evenly spread, and its prints (none where there are more
    than `prints`). `check` is called again and again and may raise `PreviewTooSlow`; raised by `check_prints` it costs only the
    prints."""
    span_ns = round(spec.seconds * 1e9)
    slot_ns = max(1, span_ns // cycles)
    with statement_timeout(timeout_s):
        last = _last_at(market, spec.until)
        if last is None:
            return RecordedWindow(market, spec.seconds, 0, 0, slot_ns, 0, 0, (), None, "nothing_recorded")
        last_ns = _ns(last)
        chosen = _Chosen(last_ns - span_ns, slot_ns, {})
        _choose(market, last - timedelta(seconds=spec.seconds), last, chosen, check)
        inputs, unreadable = _read_inputs(chosen, last - timedelta(seconds=spec.seconds), last, check)
    found, problem = read_prints(records / market, chosen.first_ns, last_ns, prints, check_prints)
    return RecordedWindow(
        market, spec.seconds, chosen.first_ns, last_ns, slot_ns, chosen.found, unreadable, inputs, found, problem
    )


@contextmanager
def statement_timeout(seconds: float) -> Iterator[None]:
    """One transaction in which no statement may take longer; as it was before, afterwards. Raises `PreviewTooSlow`."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(seconds * 1000))}ms"])
            yield
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as problem:
        if not isinstance(problem.__cause__, QueryCanceled):
            raise
        raise PreviewTooSlow(f"the database did not answer within {seconds:g} s") from problem


def _last_at(market: str, until: datetime) -> datetime | None:
    row = Decision.objects.filter(market=market, at__lte=until).order_by("-at").values_list("at", flat=True).first()
    batch = DecisionBatch.objects.filter(market=market, first_at__lte=until).order_by("-first_at").first()
    ends = [] if row is None else [row]
    if batch is not None and batch.last_at <= until:
        ends.append(batch.last_at)
    elif batch is not None:
        ends += [at for line in _lines(batch) if (at := to_datetime(line.at_ns)) <= until]
    return max(ends, default=None)


def _lines(batch: DecisionBatch) -> list[HotDecision]:
    """The cycles of a batch; none of one that can't be read."""
    try:
        return batch_lines(batch)
    except (HotStateCorrupt, zlib.error) as problem:
        log.warning("batch_unreadable", batch=batch.pk, problem=type(problem).__name__)
        return []


def _choose(market: str, start: datetime, last: datetime, chosen: _Chosen, check: Check) -> None:
    rows = Decision.objects.filter(market=market, at__gt=start, at__lte=last).order_by("at", "id")
    for pk, at in rows.values_list("id", "at"):
        chosen.offer(_ns(at), pk)
    batches = DecisionBatch.objects.filter(market=market, first_at__lte=last, last_at__gt=start).order_by("id")
    for batch in batches.iterator(chunk_size=20):
        check()
        for line in _lines(batch):
            at_ns = line.at_ns // _US_NS * _US_NS
            if _ns(start) < at_ns <= _ns(last):
                chosen.offer(at_ns, bytes(line.inputs))


def _read_inputs(chosen: _Chosen, start: datetime, last: datetime, check: Check) -> tuple[tuple[CycleInputs, ...], int]:
    """The chosen cycles' inputs, oldest first, and how many could not be read."""
    wanted = [what for _, what in chosen.by_slot.values() if isinstance(what, int)]
    rows = Decision.objects.filter(pk__in=wanted, at__gt=start, at__lte=last)
    stored: dict[int, Any] = dict(rows.values_list("id", "inputs"))
    found: list[CycleInputs] = []
    unreadable = 0
    for _, what in sorted(chosen.by_slot.values(), key=lambda one: one[0]):
        check()
        try:
            found.append(from_dict(CycleInputs, stored[what] if isinstance(what, int) else json.loads(what)))
        except (CodecError, HotStateCorrupt, ValueError, KeyError):
            unreadable += 1
    return tuple(found), unreadable


def read_prints(
    folder: Path, first_ns: int, last_ns: int, limit: int, check: Check
) -> tuple[tuple[RecordedPrint, ...] | None, str]:
    """Prints from `first_ns` to `last_ns` of the record files in `folder`; or None and the coded reason: no_record,
    record_unreadable, too_many_prints, prints_too_slow."""
    found: list[RecordedPrint] = []
    covered = False
    try:
        for path in _files(folder, first_ns, last_ns):
            header = read_header(path)
            covered = True
            for number, raw in enumerate(read_lines(path), start=2):
                if number % _LINES_BETWEEN_LOOKS == 0:
                    check()
                if not raw.startswith(_PRINT):
                    continue
                line = parse_line(raw, f"{path.name}:{number}")
                at_ns = header.start_ns + line.t_us * _US_NS
                if at_ns > last_ns:
                    break
                if at_ns >= first_ns:
                    side = Side.BUY if line.side is RecordSide.BUY else Side.SELL
                    found.append(RecordedPrint(at_ns, side, line.price * header.tick, line.size * header.lot))
                    if len(found) > limit:
                        return None, "too_many_prints"
    except (RecordError, OSError):
        # Also one that the recorder deletes just now, as too old.
        return None, "record_unreadable"
    except PreviewTooSlow:
        return None, "prints_too_slow"
    return (tuple(found), "") if covered else (None, "no_record")


def _files(folder: Path, first_ns: int, last_ns: int) -> list[Path]:
    """Record files that can hold something of the window: begun before its end, and not ended before its start."""
    begun = [(start_ns, path) for path in sorted(folder.glob(f"*{SUFFIX}")) if (start_ns := _start_ns(path))]
    kept = []
    for index, (start_ns, path) in enumerate(begun):
        next_ns = begun[index + 1][0] if index + 1 < len(begun) else last_ns + 1
        if start_ns <= last_ns and next_ns > first_ns and _written_ns(path) >= first_ns:
            kept.append(path)
    return kept


def _start_ns(path: Path) -> int:
    """From the file's name (trading.market_data.recorder); 0 for a name that is none of a record."""
    stamp, _, rest = path.name.removesuffix(SUFFIX).partition(".")
    try:
        begun = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return round(begun.timestamp()) * 1_000_000_000 + int(rest or "0")
    except ValueError:
        return 0


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


def _ns(at: datetime) -> int:
    whole = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + whole.microseconds * _US_NS
