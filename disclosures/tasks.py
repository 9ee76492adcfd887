"""Celery's doors into disclosures: parse, call one function. The schedule is in dcmm_portal/celery.py."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="disclosures.check", ignore_result=True)
def check() -> None:
    """Tell of required documents that are missing or to be reviewed, and set the gate of trading."""
    from disclosures.documents.checklist import check as run
    from trading.clock import SystemClock, to_datetime

    run(to_datetime(SystemClock().now_ns()))


@shared_task(name="disclosures.roll_up", ignore_result=True)
def roll_up() -> None:
    """Sum up the minutes that changed, unless somebody does: no thread that could quote waits for it."""
    from disclosures.transparency.rollups.roll import roll_up as run
    from trading.clock import SystemClock, to_datetime

    run(to_datetime(SystemClock().now_ns()), waits=False)


@shared_task(name="disclosures.drop_old_minutes", ignore_result=True)
def drop_old_minutes() -> None:
    """Drop minutes whose hours are kept."""
    from disclosures.transparency.rollups.roll import drop_old_minutes as run
    from trading.clock import SystemClock, to_datetime

    run(to_datetime(SystemClock().now_ns()))


@shared_task(name="disclosures.make_reports", ignore_result=True)
def make_reports() -> None:
    """Make every report that is due and not there."""
    from disclosures.reports.making import make_missing
    from trading.clock import SystemClock, to_datetime

    make_missing(to_datetime(SystemClock().now_ns()))
