"""Celery's doors into trading: parse, call one function. The schedule is in dcmm_portal/celery.py."""

from __future__ import annotations

from celery import shared_task

# --- quoting ------------------------------------------------------------------------------------------------------------


@shared_task(name="trading.quote_shard", ignore_result=True, acks_late=False)
def quote_shard(shard: int, slot: int) -> None:
    """Run the cycles of one shard that are due in `slot`."""
    from trading.quoting.worker import quote_shard as run

    run(int(shard), int(slot))


@shared_task(name="trading.decision_partitions", ignore_result=True)
def decision_partitions() -> None:
    """Make the partitions of the coming days' decisions."""
    from trading.quoting.partitions import ensure_partitions

    ensure_partitions()


@shared_task(name="trading.markouts", ignore_result=True)
def markouts() -> None:
    """Measure how the price moved after our last fills."""
    from trading.clock import SystemClock
    from trading.markouts import measure_markouts

    measure_markouts(SystemClock().now_ns())


# --- ledger -------------------------------------------------------------------------------------------------------------


@shared_task(name="trading.persist_state", ignore_result=True)
def persist_state() -> None:
    """Write the minute's snapshot of every market's hot state, its sample and the peaks of the trading sessions; measure the
    outbox."""
    from trading.clock import SystemClock, to_datetime
    from trading.events.outbox import measure_outbox
    from trading.ledger.persist import persist_state as run
    from trading.samples import take_samples
    from trading.sessions import keep_sessions

    now_ns = SystemClock().now_ns()
    measure_outbox(now_ns)
    now = to_datetime(now_ns)
    run(now)
    keep_sessions(now)
    take_samples(now_ns)


@shared_task(name="trading.reconcile", ignore_result=True)
def reconcile() -> None:
    """Compare every account with its venue."""
    from trading.clock import SystemClock
    from trading.ledger.reconcile_accounts import reconcile_all

    reconcile_all("minute", SystemClock(), full=False)


@shared_task(name="trading.reconcile_whole", ignore_result=True)
def reconcile_whole() -> None:
    """Compare every account's whole history with its venue."""
    from trading.clock import SystemClock
    from trading.ledger.reconcile_accounts import reconcile_all

    reconcile_all("whole", SystemClock())


@shared_task(name="trading.funding_payments", ignore_result=True)
def funding_payments() -> None:
    """Book every funding payment of the venues that is missing, and tell what differs."""
    from trading.clock import SystemClock
    from trading.ledger.funding_payments import reconcile_funding

    reconcile_funding(SystemClock())
