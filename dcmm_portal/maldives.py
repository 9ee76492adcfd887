"""The calendar of the Maldives, where the public reads: five hours ahead of UTC all year, weekend on Friday and Saturday."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

MALDIVES: Final = ZoneInfo("Indian/Maldives")
# As `date.weekday()` counts, Monday being 0. CLDR's entry for `dv` says Saturday and Sunday, which is wrong.
WEEKEND: Final = frozenset({4, 5})


def is_weekend(day: date) -> bool:
    """True on Friday and Saturday. Public holidays are decreed each year and not known here."""
    return day.weekday() in WEEKEND


def maldives_time(at: datetime) -> str:
    """`at` (aware) as 2026-03-02 14:00 UTC+5, to the minute."""
    return f"{at.astimezone(MALDIVES):%Y-%m-%d %H:%M} UTC+5"
