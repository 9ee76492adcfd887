"""Locks that rules impose on a scope, and how one ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from trading.controls.announce import announce_tightening
from trading.controls.commands import Actor, aggregate, locked_control
from trading.events.services import record
from trading.models import Lock
from trading.risk.states import TradingState

# Locks whose cause must have gone away by itself: once it has, one operator resumes. Every other rule needs two people.
# The database holds the same rule (trading/sql/ended_by_authority.sql, governance/guards/controls.sql).
LIFTED_BY_ONE = frozenset({"person", "breaker"})


def active_locks(scope: str, now: datetime) -> QuerySet[Lock]:
    """Locks of `scope` that stand at `now`."""
    return Lock.objects.filter(scope=scope, lifted_at__isnull=True).filter(Q(until__isnull=True) | Q(until__gt=now))


def impose_lock(
    scope: str,
    state: TradingState | str,
    rule: str,
    reason: str,
    *,
    imposed_by: str,
    now: datetime,
    until: datetime | None = None,
    event_type: str = "lock.imposed",
    details: Mapping[str, Any] | None = None,
) -> bool:
    """A rule tightens a scope, in the caller's transaction or one of its own; False where the rule already imposes that much.

    A rule that still fires asks every cycle: what stands already costs one read, no row lock and no write.
    """
    imposed = TradingState(str(state).lower())
    if _stands(scope, rule, imposed, now):
        return False
    with transaction.atomic():
        locked_control(scope)
        if _stands(scope, rule, imposed, now):
            return False
        _write(Lock(scope=scope, state=imposed.name, rule=rule, reason=reason, imposed_by=imposed_by, until=until), now)
        payload = {"scope": scope, "state": imposed.name, "rule": rule, "reason": reason, **(details or {})}
        record(aggregate(scope), event_type, payload, actor_name=imposed_by, occurred_at=now)
        transaction.on_commit(lambda: announce_tightening(scope, imposed, now), robust=True)
    return True


def _stands(scope: str, rule: str, imposed: TradingState, now: datetime) -> bool:
    held = active_locks(scope, now).filter(rule=rule).values_list("state", flat=True).first()
    return held is not None and TradingState(held.lower()).strictness >= imposed.strictness


def _write(lock: Lock, now: datetime) -> None:
    """One that ran out by time makes room for the new one; one that stands is made stricter."""
    same = Lock.objects.filter(scope=lock.scope, rule=lock.rule, lifted_at__isnull=True)
    same.filter(until__lte=now).update(lifted_at=now, lifted_by="time", lift_reason="ran out")
    if not same.update(state=lock.state, reason=lock.reason):
        lock.imposed_at = now
        lock.save()


def lift(lock: Lock, by: Actor, reason: str, now: datetime, authorised_by: str = "") -> None:
    """End a lock, with its event; within a transaction that holds the scope's control and has judged that it may end.

    `authorised_by` names what allowed two people to lift it; the database asks it.
    """
    lock.lifted_at, lock.lifted_by, lock.lift_reason, lock.authorised_by = now, by.name, reason, authorised_by
    lock.save(update_fields=["lifted_at", "lifted_by", "lift_reason", "authorised_by"])
    payload = {"scope": lock.scope, "rule": lock.rule, "reason": reason} | named(authorised_by)
    record(aggregate(lock.scope), "lock.lifted", payload, actor_id=by.id, actor_name=by.name, occurred_at=now)


def named(authorised_by: str) -> dict[str, str]:
    """The part of an event's payload that names what allowed the change; nothing where one person may make it."""
    return {"authorised_by": authorised_by} if authorised_by else {}
