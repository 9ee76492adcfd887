"""What a report is of: a day of the Maldives, or a week of them from Sunday, the first working day there, to Saturday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from disclosures.models import PublicReport
from disclosures.transparency.rollups.calendar import DAY, day_bounds

DAILY: Final = str(PublicReport.Kind.DAILY)
WEEKLY: Final = str(PublicReport.Kind.WEEKLY)
DAYS: Final = {DAILY: 1, WEEKLY: 7}
SATURDAY: Final = 5
# Sums are closed some minutes after midnight; then a report is made.
DUE_AFTER: Final = timedelta(minutes=10)
EARLIEST: Final = date(2000, 1, 1)


class BadPeriod(ValueError):
    """There is no such kind of report, or no such period of it; `code` is unknown_kind, bad_day or no_such_week."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """`first` to `last`, both included."""

    last: date
    kind: str
    first: date

    @property
    def name(self) -> str:
        """As in "daily:2026-03-04": the key of its row and of its event."""
        return f"{self.kind}:{self.first.isoformat()}"

    def bounds(self) -> tuple[datetime, datetime]:
        """Start and end (not included) in UTC."""
        return day_bounds(self.first)[0], day_bounds(self.last)[1]

    def due_at(self) -> datetime:
        """00:10 of the Maldives, after it has ended."""
        return self.bounds()[1] + DUE_AFTER


def period_from(kind: str, first: date) -> Period:
    """Raises `BadPeriod`."""
    if kind not in DAYS:
        raise BadPeriod("unknown_kind", _("There are the reports %(names)s.") % {"names": ", ".join(DAYS)})
    if not EARLIEST <= first <= date.max - timedelta(days=8):
        raise BadPeriod("bad_day", _("A day is written like 2026-03-04."))
    if kind == WEEKLY and first != week_of(first).first:
        message = _("Weeks begin on Sunday: this day is in the week that begins on %(day)s.")
        raise BadPeriod("no_such_week", message % {"day": week_of(first).first.isoformat()})
    return Period(first + timedelta(days=DAYS[kind] - 1), kind, first)


def asked_period(kind: str, day: str) -> Period:
    """As `period_from`, of a day as text (YYYY-MM-DD)."""
    try:
        if len(day) != len("2026-03-04"):
            raise ValueError(day)
        first = date.fromisoformat(day)
    except ValueError as problem:
        raise BadPeriod("bad_day", _("A day is written like 2026-03-04.")) from problem
    return period_from(kind, first)


def week_of(day: date) -> Period:
    """The week that holds the day."""
    last = day + timedelta(days=(SATURDAY - day.weekday()) % 7)
    return Period(last, WEEKLY, last - timedelta(days=6))


def periods_ended(first: date, today: date) -> list[Period]:
    """Days from `first` on, and weeks that hold one of them, that are over before `today`; in the order of their ends."""
    days = [first + n * DAY for n in range((today - first).days)]
    found = {period_from(DAILY, day) for day in days} | {week_of(day) for day in days}
    return sorted(period for period in found if period.last < today)
