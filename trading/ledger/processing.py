"""From a batch of inbox entries to its acknowledgement: commit, publish, lock where a fill contradicts,
acknowledge.

Dying between any two of these steps is harmless: the entries are given out again, the ledger counts them as
duplicates, and the later steps are repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import redis
import structlog
from django.db import DataError, IntegrityError

from trading import metrics
from trading.hot_state import inbox
from trading.hot_state.inbox import InboxEntry
from trading.ledger.quarantine import LOCK_RULE, impose_reducing
from trading.ledger.services import BatchOutcome, apply_batch

log = structlog.get_logger(__name__)
# What a single entry can do to a batch: a value that no column holds, or that breaks a constraint.
POISON = (DataError, IntegrityError, ArithmeticError, ValueError)


def process_batch(client: redis.Redis, entries: Sequence[InboxEntry], now: datetime) -> BatchOutcome | None:
    """Book `entries`, publish, acknowledge. Database and Redis errors pass: nothing is acknowledged, all may
    be repeated.

    An entry that breaks its batch is found by applying them one by one, and set aside. None where that had to
    be done.
    """
    if not entries:
        return BatchOutcome()
    try:
        outcome = apply_batch(entries, now)
    except POISON as problem:
        log.error("ledger_batch_refused", entries=len(entries), problem=f"{type(problem).__name__}: {problem}"[:300])
        _process_singly(client, entries, now)
        return None
    _finish(client, entries, outcome, now)
    return outcome


def _process_singly(client: redis.Redis, entries: Sequence[InboxEntry], now: datetime) -> None:
    for entry in entries:
        try:
            outcome = apply_batch([entry], now)
        except POISON as problem:
            log.error(
                "ledger_entry_refused", entry=entry.entry_id, problem=f"{type(problem).__name__}: {problem}"[:300]
            )
            outcome = apply_batch([replace(entry, problem=type(problem).__name__)], now)
        _finish(client, [entry], outcome, now)


def _finish(client: redis.Redis, entries: Sequence[InboxEntry], outcome: BatchOutcome, now: datetime) -> None:
    publish(client, outcome)
    for contradiction in outcome.contradictions:
        impose_reducing(contradiction.scope, LOCK_RULE, contradiction.reason, now)
    bodies = {entry.entry_id: entry for entry in entries}
    for item in outcome.set_aside:
        inbox.dead_letter(client, bodies[item.entry_id], item.reason)
    inbox.ack(client, [entry.entry_id for entry in entries])
    _count(outcome)


def publish(client: redis.Redis, outcome: BatchOutcome) -> None:
    """Put committed positions into the hot state and take their fills off pending."""
    for position in outcome.positions:
        inbox.commit_position(client, position, outcome.done_keys.get(position.slug, ()))
    for slug, fill_keys in outcome.forgotten_keys.items():
        inbox.forget_pending(client, slug, fill_keys)


def _count(outcome: BatchOutcome) -> None:
    for result, number in outcome.counts.items():
        metrics.LEDGER_ENTRIES.labels(result).inc(number)
    for position in outcome.positions:
        metrics.LEDGER_POSITION.labels(position.slug).set(float(position.q))
        metrics.LEDGER_REALISED_PNL.labels(position.slug).set(float(position.realised))
        metrics.LEDGER_FUNDING.labels(position.slug).set(float(position.funding))
        metrics.LEDGER_SEQ.labels(position.slug).set(position.ledger_seq)
