"""The hot state is looked over now and then: what hands made of it is set aside, counted and told."""

from __future__ import annotations

from datetime import datetime

import redis
import structlog
from django.db import transaction

from trading import metrics
from trading.events.services import record
from trading.hot_state import mending
from trading.ledger.desk import Desk

log = structlog.get_logger(__name__)


def mend_hot_state(client: redis.Redis, desk: Desk, now: datetime) -> tuple[str, ...]:
    """Set aside what nobody of us can have written; what it was. Raises Redis and database errors."""
    now_ns = round(now.timestamp() * 1e9)
    slugs = sorted(desk.markets)
    wrong = mending.set_aside_wrong_types(client, slugs, sorted({name for _, name in desk.accounts}), now_ns)
    orphans = {slug: count for slug in slugs if (count := mending.set_aside_orphaned_pending(client, slug, now_ns))}
    if not wrong and not orphans:
        return ()
    metrics.HOT_STATE_SET_ASIDE.labels("type").inc(len(wrong))
    metrics.HOT_STATE_SET_ASIDE.labels("pending").inc(sum(orphans.values()))
    log.error("hot_state_set_aside", keys=wrong, pending=orphans)
    with transaction.atomic():
        record("ledger:hot-state", "hot_state.set_aside", {"keys": wrong, "pending": orphans}, occurred_at=now)
    return (*wrong, *orphans)
