"""Reading reports: the archive, one of them, and what was restated of its days since."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from disclosures.models import PublicReport
from disclosures.reports.periods import DAYS, Period
from disclosures.transparency.restated import restatements
from disclosures.transparency.tables import PublicTable

A_PAGE: Final = 30
MOST_PAGES: Final = 10_000


class NoReport(LookupError):
    """There is no report of this period, or no such page; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Page:
    """`older`: there are more after it."""

    number: int
    reports: list[PublicReport]
    older: bool

    @property
    def next(self) -> int:
        return self.number + 1

    @property
    def newer(self) -> int:
        return self.number - 1


def archive(page: int = 1, kind: str = "") -> Page:
    """Newest first, without their contents. Raises `NoReport`."""
    if not 1 <= page <= MOST_PAGES or (kind and kind not in DAYS):
        raise NoReport(_("There is no such page."))
    rows = _newest().filter(kind=kind) if kind else _newest()
    first = (page - 1) * A_PAGE
    found = list(rows[first : first + A_PAGE + 1])
    if not found and page > 1:
        raise NoReport(_("There is no such page."))
    return Page(page, found[:A_PAGE], len(found) > A_PAGE)


def newest_reports(most: int) -> list[PublicReport]:
    """Without their contents."""
    return list(_newest()[:most])


def report_of(period: Period) -> PublicReport:
    """Raises `NoReport`."""
    found = PublicReport.objects.filter(kind=period.kind, period_start=period.first).first()
    if found is None:
        message = _("There is no report of this period. Reports are made at 00:10 in the Maldives, after it has ended.")
        raise NoReport(message)
    return found


def period_of(report: PublicReport) -> Period:
    return Period(report.period_end, report.kind, report.period_start)


def body_of(report: PublicReport) -> dict[str, Any]:
    """What it says. Not to be changed."""
    return _read(report.content)


@lru_cache(maxsize=16)
def _read(content: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content)
    return found


def restated_since(report: PublicReport, now: datetime) -> PublicTable:
    """Every figure of its days that changed after it was made, newest first."""
    start, end = period_of(report).bounds()
    since = Q(at__gt=report.made_at, bucket="day", starts_at__gte=start, starts_at__lt=end)
    return restatements(now, None, since)


def _newest() -> QuerySet[PublicReport]:
    return PublicReport.objects.defer("content").order_by("-period_end", "kind")
