"""Changing trading states: pause, reduce, kill at once by one operator; loosening only as far as one person may.

Each command: one transaction (receipt, control or lock, event), an idempotency key, a reason. A tightening is made known to
the workers before PostgreSQL has committed; a loosening only takes effect from PostgreSQL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from trading.events.services import record
from trading.hot_state import controls as hot_controls
from trading.hot_state.controls import HotControl
from trading.locks import lock_command, lock_controls
from trading.models import CommandReceipt, Lock, Market, TradingControl
from trading.risk.states import TradingState

log = structlog.get_logger(__name__)
DESK = "desk"
OPERATOR = "operator"
# Locks whose cause must have gone away by itself: once it has, one operator may lift them. Every other rule needs two people.
LIFTED_BY_ONE = frozenset({"person", "breaker"})


class ControlRefused(Exception):
    """The command was refused; the message says why and what to do. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Actor:
    """Who commands, as the door that signed them in knows them. `roles` are role names."""

    id: str
    name: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What stands after the command. `repeated`: the same key had been used for it before, nothing was done again."""

    scope: str
    state: str
    version: int
    repeated: bool = False


def set_state(
    scope: str, state: TradingState | str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime
) -> ControlResult:
    """Set the control of the desk or a market. Raises `ControlRefused`."""
    wanted = _checked(scope, state, actor, reason, idempotency_key)
    fingerprint = _fingerprint("set_state", scope, wanted.value, actor.id)
    is_known, result = _receipt(idempotency_key, fingerprint)
    if is_known:
        return result
    if wanted is not TradingState.ACTIVE:
        # Closed first: if what follows fails, the market was paused for a few seconds for nothing.
        _tighten_now(scope, wanted, now)
    with transaction.atomic():
        lock_command(idempotency_key)
        is_known, result = _receipt(idempotency_key, fingerprint)
        if is_known:
            return result
        control = _locked_control(scope)
        before = TradingState(control.state.lower())
        if wanted.strictness < before.strictness:
            _refuse_unless_one_may_loosen(scope, before, now)
        result = _store(control, before, wanted, actor, reason, now)
        CommandReceipt.objects.create(
            key=idempotency_key,
            command="controls.set_state",
            fingerprint=fingerprint,
            result={"scope": result.scope, "state": result.state, "version": result.version},
            actor_id=actor.id,
            created_at=now,
        )
        if wanted.strictness < before.strictness:
            transaction.on_commit(lambda: _forget_tightening(scope), robust=True)
    return result


def pause(scope: str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime) -> ControlResult:
    """No new orders, all quotes cancelled, until resumed."""
    return set_state(scope, TradingState.PAUSED, actor=actor, reason=reason, idempotency_key=idempotency_key, now=now)


def reduce(scope: str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime) -> ControlResult:
    """Only orders that lower exposure."""
    return set_state(scope, TradingState.REDUCING, actor=actor, reason=reason, idempotency_key=idempotency_key, now=now)


def resume(scope: str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime) -> ControlResult:
    """Back to active, as far as one person may do that."""
    return set_state(scope, TradingState.ACTIVE, actor=actor, reason=reason, idempotency_key=idempotency_key, now=now)


def kill(scope: str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime) -> ControlResult:
    """Halted: two people must un-kill. Quotes are cancelled by the next cycle, with the gate already closed."""
    return set_state(scope, TradingState.HALTED, actor=actor, reason=reason, idempotency_key=idempotency_key, now=now)


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
    """A rule tightens a scope, in the caller's transaction or one of its own; False where that lock already stands."""
    imposed = TradingState(str(state).lower())
    with transaction.atomic():
        _locked_control(scope)
        if _active_locks(scope, now).filter(rule=rule).exists():
            return False
        # One that ran out by time makes room for the new one.
        Lock.objects.filter(scope=scope, rule=rule, lifted_at__isnull=True).update(
            lifted_at=now, lifted_by="time", lift_reason="ran out"
        )
        Lock.objects.create(
            scope=scope,
            state=imposed.name,
            rule=rule,
            reason=reason,
            imposed_at=now,
            imposed_by=imposed_by,
            until=until,
        )
        payload = {"scope": scope, "state": imposed.name, "rule": rule, "reason": reason, **(details or {})}
        record(_aggregate(scope), event_type, payload, actor_name=imposed_by, occurred_at=now)
        transaction.on_commit(lambda: _tighten_now(scope, imposed, now), robust=True)
    return True


def lift_lock(scope: str, rule: str, *, actor: Actor, reason: str, now: datetime) -> bool:
    """One operator lifts a lock that one person may lift; False if none stands. Raises `ControlRefused`."""
    _require_operator(actor)
    _require_reason(reason)
    with transaction.atomic():
        _locked_control(scope)
        lock = _active_locks(scope, now).filter(rule=rule).first()
        if lock is None:
            return False
        if rule not in LIFTED_BY_ONE:
            raise ControlRefused("two_people", _two_people_needed(rule))
        lock.lifted_at, lock.lifted_by, lock.lift_reason = now, actor.name, reason
        lock.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        payload = {"scope": scope, "rule": rule, "reason": reason}
        record(_aggregate(scope), "lock.lifted", payload, actor_id=actor.id, actor_name=actor.name, occurred_at=now)
        transaction.on_commit(lambda: _forget_tightening(scope), robust=True)
    return True


def _checked(scope: str, state: TradingState | str, actor: Actor, reason: str, key: str) -> TradingState:
    _require_operator(actor)
    _require_reason(reason)
    if not key or len(key) > 80:
        raise ControlRefused("bad_key", _("An idempotency key of 1 to 80 characters is needed."))
    try:
        wanted = TradingState(str(state).lower())
    except ValueError:
        raise ControlRefused("bad_state", _("There is no trading state “%(state)s”.") % {"state": state}) from None
    if scope != DESK and not Market.objects.filter(slug=scope).exists():
        raise ControlRefused("unknown_scope", _("There is no market “%(scope)s”.") % {"scope": scope})
    return wanted


def _require_operator(actor: Actor) -> None:
    if OPERATOR not in actor.roles:
        raise ControlRefused("not_operator", _("Only an operator may do this."))


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ControlRefused("no_reason", _("A reason is needed."))
    if len(reason) > 2000:
        raise ControlRefused("long_reason", _("The reason is longer than 2,000 characters."))


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _receipt(key: str, fingerprint: str) -> tuple[bool, ControlResult]:
    """(this command was done before, what it did). Raises `ControlRefused` when the key was used for another command."""
    receipt = CommandReceipt.objects.filter(key=key).first()
    if receipt is None:
        return False, ControlResult("", "", 0)
    if receipt.fingerprint != fingerprint:
        raise ControlRefused("key_used", _("This idempotency key was used for another command."))
    done = receipt.result
    return True, ControlResult(done["scope"], done["state"], done["version"], repeated=True)


def _locked_control(scope: str) -> TradingControl:
    rows = lock_controls([scope])
    if not rows:
        raise ControlRefused("no_control", _("“%(scope)s” has no trading control.") % {"scope": scope})
    return rows[0]


def _active_locks(scope: str, now: datetime) -> Any:
    return Lock.objects.filter(scope=scope, lifted_at__isnull=True).filter(Q(until__isnull=True) | Q(until__gt=now))


def _refuse_unless_one_may_loosen(scope: str, before: TradingState, now: datetime) -> None:
    if before is TradingState.HALTED:
        raise ControlRefused("two_people", _("Halted: two people must lift a kill."))
    for lock in _active_locks(scope, now).order_by("rule"):
        if lock.rule not in LIFTED_BY_ONE:
            raise ControlRefused("two_people", _two_people_needed(lock.rule))


def _two_people_needed(rule: str) -> str:
    return _("Locked by the rule “%(rule)s”: an operator and an approver must resume together.") % {"rule": rule}


def _store(
    control: TradingControl, before: TradingState, wanted: TradingState, actor: Actor, reason: str, now: datetime
) -> ControlResult:
    control.state, control.reason, control.changed_at = wanted.name, reason, now
    control.actor_id, control.actor_name = actor.id, actor.name
    control.version += 1
    control.save()
    record(
        _aggregate(control.scope),
        "control.changed",
        {"scope": control.scope, "from": before.name, "to": wanted.name, "reason": reason, "version": control.version},
        actor_id=actor.id,
        actor_name=actor.name,
        occurred_at=now,
    )
    return ControlResult(control.scope, wanted.name, control.version)


def _aggregate(scope: str) -> str:
    return f"control:{scope}"


def _tighten_now(scope: str, state: TradingState, now: datetime) -> None:
    """Best effort: workers read PostgreSQL within a second, and the gate asks it at every order."""
    try:
        hot_controls.tighten_sync(HotControl(scope, state.value, round(now.timestamp() * 1e9)))
    except redis.RedisError as problem:
        log.warning("tightening_not_announced", scope=scope, problem=type(problem).__name__)


def _forget_tightening(scope: str) -> None:
    try:
        hot_controls.clear_sync(scope)
    except redis.RedisError as problem:
        log.warning("tightening_not_cleared", scope=scope, problem=type(problem).__name__)
