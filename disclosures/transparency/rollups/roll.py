"""Summing up: marked minutes from the sources, then their hours and days. Exactly once, whatever dies or runs twice.

Marks (trading/minute_changes.py) are taken in the transaction that writes the sums, one such transaction at a time; a minute is
always computed anew from its sources, so the last one to take a mark of it leaves what the sources say. What changes in a closed
bucket leaves a restatement in the same transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction

from disclosures.models import RollupProgress
from disclosures.models.measures import ADDED, CLOSING, LEDGER, MEASURES
from disclosures.transparency.rollups.calendar import HOUR, MINUTE, day_bounds, hour_of, minute_of
from disclosures.transparency.rollups.restating import Affected, Standing, restate, standing
from disclosures.transparency.rollups.sources import MEASURED, arrays
from trading.locks import lock_progress, try_lock_progress
from trading.minute_changes import ChangedMinute, take_changes
from trading.models import MinuteChange

log = structlog.get_logger(__name__)
BATCH: Final = 2_000
# The thread that sums up is one of those that quote: it begins no batch after this.
MOST_S: Final = 5.0
# Longer than the sample of a minute, its volume and its cycles take to be written.
CLOSED_AFTER: Final = timedelta(minutes=3)
# Minutes are what charts of the last days need; their hours stay.
MINUTES_KEPT: Final = timedelta(days=90)

_NAMES: Final = ", ".join(MEASURES)
_SET: Final = ", ".join(f"{name} = EXCLUDED.{name}" for name in MEASURES)
_SET_LEDGER: Final = ", ".join(f"{name} = EXCLUDED.{name}" for name in LEDGER)
_ADDED: Final = ", ".join(f"sum(x.{name})" for name in ADDED)
_CLOSING: Final = f"(array_agg(x.{CLOSING} ORDER BY x.starts_at DESC) FILTER (WHERE x.{CLOSING} IS NOT NULL))[1]"
_MINUTES: Final = f"""
INSERT INTO rollup_minutes (market_id, starts_at, {_NAMES}) {MEASURED}
ON CONFLICT (market_id, starts_at) DO UPDATE SET {_SET}
"""
_HOURS: Final = f"""
INSERT INTO rollup_hours (market_id, starts_at, {_NAMES})
SELECT w.market_id, w.starts_at, {_ADDED}, {_CLOSING}
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS w (market_id, starts_at, ends_at)
JOIN rollup_minutes x ON x.market_id = w.market_id AND x.starts_at >= w.starts_at AND x.starts_at < w.ends_at
GROUP BY w.market_id, w.starts_at
ON CONFLICT (market_id, starts_at) DO UPDATE SET {_SET}
"""
# Of an hour whose minutes were dropped, what the ledger tells can still change; what was sampled stands.
_OLD_HOURS: Final = f"""
INSERT INTO rollup_hours (market_id, starts_at, {_NAMES}) {MEASURED}
ON CONFLICT (market_id, starts_at) DO UPDATE SET {_SET_LEDGER}
"""
_DAYS: Final = f"""
INSERT INTO rollup_days (market_id, day, starts_at, ends_at, {_NAMES})
SELECT w.market_id, w.day, w.starts_at, w.ends_at, {_ADDED}, {_CLOSING}
FROM unnest(%s::bigint[], %s::date[], %s::timestamptz[], %s::timestamptz[]) AS w (market_id, day, starts_at, ends_at)
JOIN rollup_hours x ON x.market_id = w.market_id AND x.starts_at >= w.starts_at AND x.starts_at < w.ends_at
GROUP BY w.market_id, w.day, w.starts_at, w.ends_at
ON CONFLICT (market_id, starts_at) DO UPDATE SET {_SET}
"""


def roll_up(now: datetime, *, waits: bool = True, monotonic_s: Callable[[], float] = time.monotonic) -> int:
    """Sum up marked minutes and close what is over; how many minutes were summed. No batch begins after `MOST_S`: what is left
    waits for the next run, and nothing is closed before everything new is summed. Unless it `waits`, it ends where somebody
    else holds the sums."""
    minutes, until_s = 0, monotonic_s() + MOST_S
    while True:
        done = _one_batch(now, waits)
        if done is None:
            return minutes
        marks, summed = done
        minutes += summed
        if marks < BATCH:
            return minutes
        if monotonic_s() >= until_s:
            log.warning("rollups_behind", minutes=minutes)
            return minutes


def drop_old_minutes(now: datetime, kept: timedelta = MINUTES_KEPT) -> int:
    """Drop minutes whose hours have long been closed; how many."""
    with transaction.atomic():
        lock_progress("rollups")
        progress = _progress()
        limit = hour_of(min(now - kept, progress.closed_until or now - kept))
        if progress.minutes_kept_from is not None and progress.minutes_kept_from >= limit:
            return 0
        progress.minutes_kept_from = limit
        progress.save(update_fields=["minutes_kept_from"])
        return _execute("DELETE FROM rollup_minutes WHERE starts_at < %s", [limit])


def _progress() -> RollupProgress:
    return RollupProgress.objects.get_or_create(pk=1)[0]


def _one_batch(now: datetime, waits: bool) -> tuple[int, int] | None:
    """How many marks were taken, and how many minutes they were about; None where somebody else holds the sums."""
    with transaction.atomic():
        if waits:
            lock_progress("rollups")
        elif not try_lock_progress("rollups"):
            return None
        progress = _progress()
        marks = take_changes(BATCH)
        affected = _affected(marks)
        before = standing(affected, progress.closed_until)
        _write(affected, progress.minutes_kept_from)
        _restate(affected, before, progress.closed_until, now)
        if _may_close(marks, progress.closed_until):
            over = minute_of(now - CLOSED_AFTER)
            progress.closed_until = max(over, progress.closed_until or over)
        progress.rolled_at = now
        progress.save(update_fields=["closed_until", "rolled_at"])
    return len(marks), len(affected.minutes)


def _may_close(marks: Sequence[ChangedMinute], closed_until: datetime | None) -> bool:
    """Whether all that is new was taken. What is summed up again comes after it and is restated where it differs; only the first
    close waits for that too, since nothing was told before it."""
    new = sum(mark.source != MinuteChange.Source.RECOMPUTE for mark in marks)
    return (len(marks) if closed_until is None else new) < BATCH


def _affected(marks: Iterable[ChangedMinute]) -> Affected:
    causes: dict[tuple[int, datetime], set[str]] = {}
    for mark in marks:
        causes.setdefault((mark.market_id, minute_of(mark.minute)), set()).add(mark.source)
    return Affected(causes)


def _write(affected: Affected, kept_from: datetime | None) -> None:
    def is_kept(at: datetime) -> bool:
        return kept_from is None or at >= kept_from

    minutes = [(market, at, at + MINUTE) for market, at in affected.minutes if is_kept(at)]
    hours = [(market, at, at + HOUR) for market, at in affected.hours]
    _run(_MINUTES, minutes)
    _run(_HOURS, [hour for hour in hours if is_kept(hour[1])])
    _run(_OLD_HOURS, [hour for hour in hours if not is_kept(hour[1])])
    days: list[tuple[int, date, datetime, datetime]] = [
        (market, day, *day_bounds(day)) for market, day in affected.days
    ]
    if days:
        _execute(_DAYS, [list(column) for column in zip(*days, strict=True)])


def _run(statement: str, windows: Sequence[tuple[int, datetime, datetime]]) -> None:
    if windows:
        _execute(statement, arrays(windows))


def _execute(statement: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


def _restate(affected: Affected, before: Standing, closed_until: datetime | None, now: datetime) -> None:
    if count := restate(affected, before, standing(affected, closed_until), now):
        log.info("rollups_restated", rows=count)
