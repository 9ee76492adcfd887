"""Sums against their sources: every hour and day computed anew from what trading recorded, and told where it differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from disclosures.models import RollupDay, RollupHour
from disclosures.models.measures import ADDED, CLOSING, MEASURES
from disclosures.transparency.rollups.calendar import HOUR, day_bounds, day_of
from disclosures.transparency.rollups.sources import Window, measure, nothing
from trading.minute_changes import mark_again

_HOURS_AT_ONCE: Final = 2_000
_RECORDED: Final = """
SELECT DISTINCT market_id, date_trunc(%(unit)s, at, 'UTC') FROM (
    SELECT market_id, executed_at AS at FROM fills
    UNION ALL SELECT market_id, executed_at FROM cash_movements WHERE market_id IS NOT NULL
        AND kind IN ('deposit', 'withdrawal', 'funding', 'rebate', 'adjustment')
    UNION ALL SELECT market_id, minute FROM market_minutes
    UNION ALL SELECT market_id, minute FROM market_samples
) AS recorded ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of one bucket that its sources do not explain."""

    bucket: str
    market_id: int
    starts_at: datetime
    measure: str
    stored: Any
    expected: Any

    def __str__(self) -> str:
        at = f"{self.starts_at:%Y-%m-%dT%H:%MZ}"
        return f"market {self.market_id}, {self.bucket} {at}, {self.measure}: {self.stored} is stored, {self.expected} expected"


def mark_everything() -> int:
    """Mark every minute of which something is recorded to be summed up again; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, {"unit": "minute"})
        return mark_again(cursor.fetchall())


def differences() -> list[Difference]:
    """Every hour and day that is not what its sources say. One snapshot, so that a running desk compares equal to itself only
    once its marks are taken."""
    with transaction.atomic():
        return [*_of_hours(), *_of_days()]


def _of_hours() -> Iterator[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, {"unit": "hour"})
        recorded = set(cursor.fetchall())
    recorded |= set(RollupHour.objects.values_list("market_id", "starts_at"))
    windows: list[Window] = [(market, at, at + HOUR) for market, at in sorted(recorded)]
    for start in range(0, len(windows), _HOURS_AT_ONCE):
        part = windows[start : start + _HOURS_AT_ONCE]
        expected = measure(part)
        stored = _stored(RollupHour, part)
        for key in sorted(expected):
            yield from _compare("hour", key, stored.get(key, nothing()), expected[key])


def _of_days() -> Iterator[Difference]:
    days: dict[tuple[int, date], dict[str, Any]] = {}
    for row in RollupHour.objects.order_by("market_id", "starts_at").values("market_id", "starts_at", *MEASURES):
        sums = days.setdefault((row["market_id"], day_of(row["starts_at"])), nothing())
        for name in ADDED:
            sums[name] += row[name]
        sums[CLOSING] = sums[CLOSING] if row[CLOSING] is None else row[CLOSING]
    stored = {
        (row["market_id"], row["day"]): row
        for row in RollupDay.objects.values("market_id", "day", "starts_at", *MEASURES)
    }
    for key in sorted(days.keys() | stored.keys()):
        at = (key[0], day_bounds(key[1])[0])
        yield from _compare("day", at, stored.get(key, nothing()), days.get(key, nothing()))


def _stored(table: Any, windows: list[Window]) -> dict[tuple[int, datetime], dict[str, Any]]:
    rows = table.objects.filter(starts_at__in={start for _, start, _ in windows})
    return {(row["market_id"], row["starts_at"]): row for row in rows.values("market_id", "starts_at", *MEASURES)}


def _compare(
    bucket: str, key: tuple[int, datetime], stored: dict[str, Any], expected: dict[str, Any]
) -> Iterator[Difference]:
    for name in MEASURES:
        if stored[name] != expected[name]:
            yield Difference(bucket, *key, name, stored[name], expected[name])
