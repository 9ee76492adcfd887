"""Making reports: each once, whoever comes second, and every one that was missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from disclosures.models import PublicReport, RollupDay
from disclosures.reports.content import PolicyChanged, content_of, told_until
from disclosures.reports.periods import DAILY, Period, period_from, periods_ended
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.rollups.calendar import DAY, day_of
from governance.review.canonical import canonical, digest
from governance.review.transitions import SYSTEM
from trading.events.services import record
from trading.locks import lock_progress

log = structlog.get_logger(__name__)
# A night that was missed is made up for this long by itself; older ones by `manage.py report`.
CAUGHT_UP: Final = timedelta(days=35)
MOST_AT_ONCE: Final = 12
LATE_AFTER: Final = timedelta(hours=1)


class NotYet(ValueError):
    """The period is not over, or not everything of it is told yet; or nothing is known of it."""


def make_report(period: Period, now: datetime) -> tuple[PublicReport, bool]:
    """The period's report, and whether this call made it. Raises `NotYet`."""
    found = _report_of(period)
    if found is not None:
        return found, False
    with transaction.atomic():
        # Nothing is summed up while it is read, and no longer.
        lock_progress("rollups")
        require_told(period, now)
        content = content_of(period, now)
    return _publish(period, content, now)


def _report_of(period: Period) -> PublicReport | None:
    return PublicReport.objects.filter(kind=period.kind, period_start=period.first).first()


def _publish(period: Period, content: dict[str, Any], now: datetime) -> tuple[PublicReport, bool]:
    with transaction.atomic():
        # Whoever makes the same report waits and then finds it.
        lock_progress(f"report:{period.name}")
        found = _report_of(period)
        if found is not None:
            return found, False
        report = PublicReport.objects.create(
            kind=period.kind,
            period_start=period.first,
            period_end=period.last,
            made_at=now,
            content=canonical(content),
            sha256=digest(content),
            publication_version=content["publication"]["version"],
        )
        told = {
            "kind": period.kind,
            "first_day": period.first.isoformat(),
            "last_day": period.last.isoformat(),
            "sha256": report.sha256,
            "publication_version": report.publication_version,
        }
        record(
            f"report:{period.name}",
            "report.published",
            told,
            actor_id=SYSTEM.id,
            actor_name=SYSTEM.name,
            occurred_at=now,
        )
    return report, True


def require_told(period: Period, now: datetime) -> None:
    """Raises `NotYet`."""
    end = period.bounds()[1]
    if now < period.due_at():
        raise NotYet(_("This period is not over: its report is made at 00:10 in the Maldives, after it has ended."))
    told = told_until(publication_in_force(), now)
    if told is None or told < end:
        raise NotYet(_("Not everything of this period is told yet: the sums or the publication policy hold it back."))
    first = first_day_known()
    if first is None or period.last < day_of(first):
        raise NotYet(_("Nothing is known of this period: it was before the first day that was summed up."))


def first_day_known() -> datetime | None:
    """Start of the first day that was summed up."""
    return RollupDay.objects.order_by("starts_at").values_list("starts_at", flat=True).first()


def missing(now: datetime) -> list[Period]:
    """Periods of the last `CAUGHT_UP` that are over and due and have no report, oldest first."""
    first = first_day_known()
    if first is None:
        return []
    begin = max(day_of(first), day_of(now - CAUGHT_UP))
    periods = [period for period in periods_ended(begin, day_of(now)) if period.due_at() <= now]
    made = set(PublicReport.objects.filter(period_end__gte=begin).values_list("kind", "period_start"))
    return [period for period in periods if (period.kind, period.first) not in made]


def make_missing(now: datetime) -> int:
    """Make what is missing, at most `MOST_AT_ONCE`; how many. What is late after that is told at level error."""
    made = 0
    for period in missing(now):
        if made == MOST_AT_ONCE:
            break
        try:
            made += make_report(period, now)[1]
        except (NotYet, PolicyChanged):
            continue
        except Exception:
            # One that cannot be made holds back neither the others nor the alarm.
            log.exception("report_failed", period=period.name)
    if late := late_reports(now):
        log.error("reports_late", count=len(late), first=late[0].name)
    return made


def late_reports(now: datetime) -> list[Period]:
    """Missing ones that could have been made `LATE_AFTER` ago, had sums and jobs been in time."""
    policy, then = publication_in_force(), now - LATE_AFTER
    until = min(policy.volume_until(then), policy.quotes_until(then) or then)
    return [period for period in missing(now) if period.due_at() <= then and period.bounds()[1] <= until]


def recomputed(report: PublicReport) -> str:
    """The SHA-256 that the report would have with the figures as they are known now."""
    period = Period(report.period_end, report.kind, report.period_start)
    return digest(content_of(period, report.made_at))


def next_due(now: datetime) -> datetime:
    """When the next daily report is due."""
    today = day_of(now)
    dues = [period_from(DAILY, day).due_at() for day in (today - DAY, today)]
    return next(due for due in dues if due > now)
