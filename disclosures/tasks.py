"""Celery's doors into disclosures: parse, call one function. The schedule is in dcmm_portal/celery.py."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="disclosures.check", ignore_result=True)
def check() -> None:
    """Tell of required documents that are missing or to be reviewed, and set the gate of trading."""
    from disclosures.documents.checklist import check as run
    from trading.clock import SystemClock, to_datetime

    run(to_datetime(SystemClock().now_ns()))
