"""Entries that are not applied: kept with their reason, told as events, and where a position is in doubt, met
with a lock.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import structlog

from trading.controls.services import ControlRefused, impose_lock
from trading.events.services import EventDraft
from trading.ledger.page import Page, SetAside
from trading.models import FillQuarantine
from trading.risk.states import TradingState
from trading.storable import storable_text

log = structlog.get_logger(__name__)
LOCK_RULE = "fill_conflict"
# What says nothing about the content: two copies of one contradiction that came by different ways are the
# same one.
_NOT_CONTENT = ("received_ns", "source", "venue_ns")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A market whose booked position an unresolved entry contradicts; `reason` is for people."""

    scope: str
    reason: str


def content_hash(item: SetAside) -> str:
    """SHA-256 of what was received and why it was set aside."""
    content = {name: part for name, part in item.body.items() if name not in _NOT_CONTENT}
    text = json.dumps([item.venue, item.account, item.key, item.reason, content], sort_keys=True)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def set_entries_aside(page: Page) -> list[Contradiction]:
    """Store what the page set aside, each content once, with its event; returns what still calls for a lock.

    Within the batch's transaction. The lock itself comes after the commit and before the acknowledgement,
    because locks on controls are taken before those on positions.
    """
    contradictions = []
    for item in page.set_aside:
        row, created = FillQuarantine.objects.get_or_create(
            content_hash=content_hash(item),
            defaults={
                "venue": _text(item.venue, 32),
                "account": _text(item.account, 48),
                "trade_key": _text(item.key, 200),
                "reason": item.reason,
                "body": item.body,
                "seen_at": page.now,
            },
        )
        if created:
            page.events.append(_event(item, page.now))
        if item.scope and row.resolved_at is None:
            contradictions.append(Contradiction(item.scope, f"{item.reason}: {row.trade_key}"))
    return contradictions


def _event(item: SetAside, now: datetime) -> EventDraft:
    payload = {
        "venue": _text(item.venue, 32),
        "account": _text(item.account, 48),
        "key": _text(item.key, 200),
        "reason": item.reason,
        "received": item.body,
        "market": item.scope or None,
    }
    return EventDraft(item.aggregate, "fill.quarantined", payload, now)


def _text(text: str, width: int) -> str:
    return storable_text(text)[:width]


def impose_reducing(scope: str, rule: str, reason: str, now: datetime) -> None:
    """Let `scope` (a market, or the desk) only reduce until people lift the lock; does nothing where it already stands."""
    try:
        impose_lock(scope, TradingState.REDUCING, rule, reason, imposed_by="ledger", now=now)
    except ControlRefused as problem:
        # A scope without a control counts as halted anyway.
        log.error("lock_not_imposed", scope=scope, rule=rule, problem=problem.code)
