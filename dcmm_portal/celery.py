"""The Celery application and what beat sends when. The file scheduler only: a database one cuts a tick below a second to 0."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from celery import Celery, signals
from celery.beat import BeatLazyFunc, PersistentScheduler
from django.conf import settings

from dcmm_portal.maldives_schedule import MaldivesCrontab
from trading.quoting.grid import GridSchedule, due_slot
from trading.quoting.ticks import EXPIRES_AT_LEAST_S, EXPIRES_TICKS

# Before the application is made: with it set, Celery prepares Django itself when a worker starts.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmm_portal.settings")

app = Celery("dcmm_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

PROCESS = os.environ.get("DCMM_PROCESS", "")
HEARTBEAT_EVERY_S = 1.0


def _quote_entry(shard: int) -> dict[str, Any]:
    tick_s = settings.REFRESH_INTERVAL_S
    return {
        "task": "trading.quote_shard",
        "schedule": GridSchedule(tick_s),
        "args": (shard, BeatLazyFunc(due_slot)),
        "options": {"queue": "quote", "expires": max(EXPIRES_TICKS * tick_s, EXPIRES_AT_LEAST_S)},
    }


def _housekeeping(task: str, every_s: float) -> dict[str, Any]:
    return {"task": task, "schedule": every_s, "options": {"queue": "housekeeping", "expires": every_s}}


_REPORTS = {"queue": "housekeeping", "expires": 600.0}
app.conf.beat_schedule = {
    **{f"quote-{shard}": _quote_entry(shard) for shard in range(settings.QUOTE_SHARDS)},
    "persist-state": _housekeeping("trading.persist_state", 60.0),
    "reconcile": _housekeeping("trading.reconcile", 60.0),
    "reconcile-whole": _housekeeping("trading.reconcile_whole", 24 * 3600.0),
    "funding-payments": _housekeeping("trading.funding_payments", 3600.0),
    "markouts": _housekeeping("trading.markouts", 5.0),
    "apply-due": _housekeeping("governance.apply_due", 2.0),
    "expire-proposals": _housekeeping("governance.expire", 60.0),
    "review-overdue": _housekeeping("governance.review_overdue", 60.0),
    "deliver-notifications": _housekeeping("governance.deliver", 10.0),
    "check-disclosures": _housekeeping("disclosures.check", 60.0),
    "roll-up": _housekeeping("disclosures.roll_up", 20.0),
    "drop-old-minutes": _housekeeping("disclosures.drop_old_minutes", 24 * 3600.0),
    "reports": {
        "task": "disclosures.make_reports",
        "schedule": MaldivesCrontab(hour="0", minute="10"),
        "options": _REPORTS,
    },
    # What was missed, and what had to wait for its figures; and the alarm.
    "missed-reports": _housekeeping("disclosures.make_reports", 600.0),
    "decision-partitions": _housekeeping("trading.decision_partitions", 6 * 3600.0),
}


class Scheduler(PersistentScheduler):
    """The file scheduler, telling that it still ticks."""

    _told_at_s = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now_s = time.monotonic()
        if PROCESS and now_s - self._told_at_s >= HEARTBEAT_EVERY_S:
            self._told_at_s = now_s
            _tell_heartbeat()
        return super().tick(*args, **kwargs)


def _tell_heartbeat() -> None:
    import redis

    from trading.hot_state.market import beat_sync

    try:
        beat_sync(PROCESS, time.time_ns())
    except redis.RedisError:
        # Beat goes on; the missing heartbeat is what tells.
        return


app.conf.beat_scheduler = Scheduler
app.conf.beat_max_loop_interval = HEARTBEAT_EVERY_S


@signals.worker_ready.connect
def _start_quoting(**_: Any) -> None:
    """Connect before the first tick, and tell from the quoting loop itself that it lives."""
    from trading.quoting.worker import start

    threading.Thread(target=start, args=(PROCESS,), name="start-quoting", daemon=True).start()


_stop_comparing = threading.Event()


@signals.worker_ready.connect
def _start_comparing(**_: Any) -> None:
    """Compare accounts with their venues at the start and whenever it is asked for; quoting waits for the first of them."""
    from trading.clock import SystemClock
    from trading.ledger.start_lock import watch

    arguments = (_stop_comparing, SystemClock())
    threading.Thread(target=watch, args=arguments, name="compare-accounts", daemon=True).start()


@signals.worker_shutdown.connect
def _stop_quoting(**_: Any) -> None:
    _stop_comparing.set()
    from trading.quoting.worker import shut_down

    shut_down()


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Django has configured logging (one JSON object a line); Celery shall not configure it again, and not tell of every tick."""
    for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy"):
        logging.getLogger(name).setLevel(logging.WARNING)
