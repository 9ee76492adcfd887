"""Buckets of time. Days are those of the Maldives, which keep five hours ahead of UTC all year: whole hours make up a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from dcmm_portal.maldives import MALDIVES

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def minute_of(at: datetime) -> datetime:
    """Start of the minute that holds `at`, UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """Start of the hour that holds `at`, UTC."""
    return minute_of(at).replace(minute=0)


def day_of(at: datetime) -> date:
    """The Maldives' day that holds `at`."""
    return at.astimezone(MALDIVES).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Start and end (not included) of the Maldives' day, in UTC."""
    start = datetime.combine(day, time(0), MALDIVES).astimezone(UTC)
    return start, datetime.combine(day + DAY, time(0), MALDIVES).astimezone(UTC)
