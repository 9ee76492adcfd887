"""Ending what only two people may end: an operator asks, another person, an approver, decides within half an hour.

That is a kill (a control at HALTED) and every lock whose rule one person may not lift. One transaction each (receipt, request,
control or lock, events); the database refuses a decision by the one who asked, a second decision, and an end without a
confirmed request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.checks import failing, refuse_if_red_for_two
from trading.controls.commands import (
    Actor,
    ControlRefused,
    aggregate,
    done_before,
    fingerprint,
    locked_control,
    require_approver,
    require_key,
    require_operator,
    require_reason,
    require_scope,
    write_receipt,
)
from trading.controls.rule_locks import LIFTED_BY_ONE, active_locks, lift
from trading.controls.selectors import KILL
from trading.controls.services import store_state, tell_loosening
from trading.events.services import record
from trading.hot_state.connection import HotStateUnavailable
from trading.locks import lock_command
from trading.models import Lock, Market, ResumeRequest, TradingControl
from trading.risk.states import TradingState
from trading.risk.verdict import Rule
from trading.sessions import NothingKnown, begin_anew

VALID_FOR = timedelta(minutes=30)
CONFIRMED, REFUSED, LAPSED, PENDING = "CONFIRMED", "REFUSED", "LAPSED", "PENDING"


@dataclass(frozen=True, slots=True)
class ResumeResult:
    """A request after the command. `state` and `version` are the scope's control as it stands then."""

    request: int
    scope: str
    rule: str
    outcome: str
    state: str
    version: int
    repeated: bool = False


def request_resume(
    scope: str, rule: str | None, *, operator: Actor, reason: str, idempotency_key: str, now: datetime
) -> ResumeResult:
    """Ask to lift the lock of `rule` on `scope`, or its kill (None or "kill"). Changes no state. Raises `ControlRefused`."""
    require_operator(operator)
    text = require_reason(reason)
    require_key(idempotency_key)
    require_scope(scope)
    what = rule or KILL
    command_hash = fingerprint("request_resume", scope, what, operator.id)
    with transaction.atomic():
        lock_command(idempotency_key)
        if (done := done_before(idempotency_key, command_hash)) is not None:
            return ResumeResult(**done, repeated=True)
        control = locked_control(scope)
        lock = _what_stands(control, what, now)
        _make_room(control, what, lock, now)
        asked = ResumeRequest.objects.create(
            scope=scope,
            rule=what,
            lock=lock,
            control_version=control.version,
            reason=text,
            asked_by_id=operator.id,
            asked_by_name=operator.name,
            asked_at=now,
            expires_at=now + VALID_FOR,
        )
        _tell("resume.asked", asked, operator, text, now)
        return _finish(asked, control, idempotency_key, command_hash, operator, now)


def confirm_resume(request: int, *, approver: Actor, reason: str, idempotency_key: str, now: datetime) -> ResumeResult:
    """Say yes as the second person: the lock is lifted, or the kill, at once. Raises `ControlRefused`; the request then stays
    as it was, and may be decided while it is valid."""
    return _decide(request, CONFIRMED, approver, reason, idempotency_key, now)


def refuse_resume(request: int, *, approver: Actor, reason: str, idempotency_key: str, now: datetime) -> ResumeResult:
    """Say no as the second person: nothing is loosened, and the request is closed. Raises `ControlRefused`."""
    return _decide(request, REFUSED, approver, reason, idempotency_key, now)


def _decide(request: int, outcome: str, approver: Actor, reason: str, key: str, now: datetime) -> ResumeResult:
    require_approver(approver)
    text = require_reason(reason)
    require_key(key)
    command_hash = fingerprint("decide_resume", outcome, str(request), approver.id)
    if (done := done_before(key, command_hash)) is not None:
        return ResumeResult(**done, repeated=True)
    scope = ResumeRequest.objects.filter(pk=request).values_list("scope", flat=True).first()
    if scope is None:
        raise ControlRefused("unknown_request", _("There is no such request to resume."))
    is_yes = outcome == CONFIRMED
    # The hot state may take seconds to answer: asked before any row is locked.
    failed = failing(scope, now) if is_yes else ()
    with transaction.atomic():
        lock_command(key)
        if (done := done_before(key, command_hash)) is not None:
            return ResumeResult(**done, repeated=True)
        control = locked_control(scope)
        asked = ResumeRequest.objects.select_related("lock").get(pk=request)
        _refuse_unless_open(asked, approver, now)
        if is_yes:
            _refuse_if_changed(asked, control, now)
            refuse_if_red_for_two(failed)
        _close(asked, outcome, approver.id, approver.name, text, now)
        if is_yes:
            _loosen(asked, control, approver, text, now)
        _tell("resume.confirmed" if is_yes else "resume.refused", asked, approver, text, now)
        return _finish(asked, control, key, command_hash, approver, now)


def _what_stands(control: TradingControl, what: str, now: datetime) -> Lock | None:
    """The lock of the rule `what`, None for a kill. Raises `ControlRefused` where there is nothing two people must end."""
    if what == KILL:
        if control.state != TradingState.HALTED.name:
            raise ControlRefused("nothing_to_resume", _("“%(scope)s” is not halted.") % {"scope": control.scope})
        return None
    lock = None if "\x00" in what else active_locks(control.scope, now).filter(rule=what).first()
    if lock is None:
        raise ControlRefused(
            "nothing_to_resume", _("No lock of that rule stands on “%(scope)s”.") % {"scope": control.scope}
        )
    if lock.rule in LIFTED_BY_ONE:
        raise ControlRefused("one_person", _("One operator may lift this lock: resume."))
    return lock


def _make_room(control: TradingControl, what: str, lock: Lock | None, now: datetime) -> None:
    """A request that expired, or is about what no longer stands, lapses. Raises `ControlRefused` while a good one waits."""
    waiting = ResumeRequest.objects.filter(scope=control.scope, rule=what, outcome=PENDING).first()
    if waiting is None:
        return
    is_same = waiting.control_version == control.version and waiting.lock_id == (None if lock is None else lock.pk)
    if is_same and now < waiting.expires_at:
        message = _("%(name)s has already asked for this; an approver must decide.")
        raise ControlRefused("already_asked", message % {"name": waiting.asked_by_name})
    _close(waiting, LAPSED, "time", "time", "expired" if is_same else "the situation changed", now)


def _refuse_unless_open(asked: ResumeRequest, approver: Actor, now: datetime) -> None:
    if approver.id == asked.asked_by_id:
        raise ControlRefused("same_person", _("You asked for this yourself: another person must decide."))
    if asked.outcome != PENDING:
        raise ControlRefused("already_decided", _("This request has already been decided."))
    if not asked.asked_at <= now < asked.expires_at:
        raise ControlRefused("expired", _("This request is older than 30 minutes: an operator must ask again."))


def _refuse_if_changed(asked: ResumeRequest, control: TradingControl, now: datetime) -> None:
    """What was asked for must still be what stands: the same version of the control, the same lock."""
    if asked.lock is None:
        stands = control.state == TradingState.HALTED.name
    else:
        stands = active_locks(asked.scope, now).filter(pk=asked.lock.pk).exists()
    if not stands or control.version != asked.control_version:
        raise ControlRefused("changed", _("The situation changed since this was asked: an operator must ask again."))


def _close(asked: ResumeRequest, outcome: str, by_id: str, by_name: str, reason: str, now: datetime) -> None:
    asked.outcome, asked.decided_at, asked.decision_reason = outcome, now, reason
    asked.decided_by_id, asked.decided_by_name = by_id, by_name
    asked.save(update_fields=["outcome", "decided_at", "decision_reason", "decided_by_id", "decided_by_name"])


def _loosen(asked: ResumeRequest, control: TradingControl, approver: Actor, reason: str, now: datetime) -> None:
    if asked.lock is None:
        store_state(control, TradingState.ACTIVE, approver, reason, now)
    else:
        if asked.lock.rule == Rule.DRAWDOWN.value:
            _measure_anew(asked.scope, now)
        lift(asked.lock, approver, reason, now)
        tell_loosening(asked.scope, now)


def _measure_anew(slug: str, now: datetime) -> None:
    """The loss that two people have looked at counts no more: drawdown is measured from here."""
    try:
        begin_anew(Market.objects.get(slug=slug).pk, slug, now)
    except (NothingKnown, HotStateUnavailable):
        message = _("Position or price of “%(scope)s” are not known: wait until they are, then confirm again.")
        raise ControlRefused("pnl_unknown", message % {"scope": slug}) from None


def _tell(event: str, asked: ResumeRequest, actor: Actor, reason: str, now: datetime) -> None:
    payload: dict[str, Any] = {
        "scope": asked.scope,
        "rule": asked.rule,
        "request": asked.pk,
        "asked_by": asked.asked_by_name,
        "reason": reason,
    }
    record(aggregate(asked.scope), event, payload, actor_id=actor.id, actor_name=actor.name, occurred_at=now)


def _finish(
    asked: ResumeRequest, control: TradingControl, key: str, command_hash: str, actor: Actor, now: datetime
) -> ResumeResult:
    done = {
        "request": asked.pk,
        "scope": asked.scope,
        "rule": asked.rule,
        "outcome": asked.outcome,
        "state": control.state,
        "version": control.version,
    }
    write_receipt(key, "controls.resume_request", command_hash, done, actor, now)
    return ResumeResult(**done)
