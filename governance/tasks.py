"""Celery's doors into governance: parse, call one function. The schedule is in dcmm_portal/celery.py."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="governance.apply_due", ignore_result=True)
def apply_due() -> None:
    """Apply the approved proposals whose time has come."""
    from governance.review.clockwork import apply_due as run
    from trading.clock import SystemClock, to_datetime

    run(to_datetime(SystemClock().now_ns()))


@shared_task(name="governance.expire", ignore_result=True)
def expire() -> None:
    """End the proposals whose time is over."""
    from governance.review.clockwork import expire_due
    from trading.clock import SystemClock, to_datetime

    expire_due(to_datetime(SystemClock().now_ns()))


@shared_task(name="governance.review_overdue", ignore_result=True)
def review_overdue() -> None:
    """Tell of what nobody looked at in time, and prepare the way back after a kill."""
    from governance.review.clockwork import review_overdue as run
    from governance.review.rollback import prepare_after_kill
    from trading.clock import SystemClock, to_datetime

    now = to_datetime(SystemClock().now_ns())
    run(now)
    prepare_after_kill(now)


@shared_task(name="governance.deliver", ignore_result=True)
def deliver() -> None:
    """Send what people are to be told by e-mail and Telegram."""
    from governance.alerts.delivery import deliver_due
    from trading.clock import SystemClock, to_datetime

    deliver_due(to_datetime(SystemClock().now_ns()))
