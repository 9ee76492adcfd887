"""The one way from a person at a door (desk page, API) to a trading control."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.access.roles import Role
from governance.desk.proof import loosens, request_content, require_proof, state_content
from governance.models import User
from governance.review.checks import overdue_markets
from trading.clock import to_datetime
from trading.controls.kill import KillResult, kill_switch
from trading.controls.resume import ResumeResult, confirm_resume, refuse_resume, request_resume
from trading.controls.selectors import DESK
from trading.controls.services import ControlRefused, ControlResult, set_state
from trading.ledger.dead_letters import RetryResult, retry_letter
from trading.models import Market, ResumeRequest, TradingControl
from trading.orders.direct import cancel_directly
from trading.risk.states import TradingState


@dataclass(frozen=True, slots=True)
class StateChange:
    """What a person asks for. `state` is a word of `TradingControl`, `scope` the desk or a market's slug."""

    scope: str
    state: str
    reason: str
    idempotency_key: str


def known_scopes() -> tuple[str, ...]:
    """The desk and every active market."""
    return (DESK, *Market.objects.filter(is_active=True).order_by("slug").values_list("slug", flat=True))


def change_state(person: User, change: StateChange, given: Mapping[str, Any] | None = None) -> ControlResult:
    """Set the control; what loosens needs a second factor in `given` (governance.access.step_up).

    Raises `trading.controls.services.ControlRefused`, which changed nothing.
    """
    now = to_datetime(time.time_ns())
    _refuse_while_overdue(change.scope, change.state, now)
    if loosens(change.scope, change.state):
        content = state_content(change.scope, change.state)
        require_proof(person, Role.OPERATOR, content, change.idempotency_key, given or {})
    return set_state(
        change.scope,
        change.state,
        actor=actor_of(person),
        reason=change.reason,
        idempotency_key=change.idempotency_key,
        now=now,
    )


def _refuse_while_overdue(scope: str, wanted: str, now: datetime) -> None:
    """Nothing of a market is loosened while a change of it that was applied at once has not been reviewed in time."""
    control = TradingControl.objects.filter(scope=scope).first()
    states = {state.name: state.strictness for state in TradingState}
    if control is None or wanted not in states:
        return
    is_loosening = wanted == TradingState.ACTIVE.name or states[wanted] < states[control.state]
    late = overdue_markets(now)
    if is_loosening and (scope in late or (scope == DESK and late)):
        message = _("A reducing change of “%(markets)s” has not been reviewed in time: review it first.")
        raise ControlRefused("review_overdue", message % {"markets": ", ".join(sorted(late))})


def kill_scope(person: User, scope: str, reason: str, idempotency_key: str) -> KillResult:
    """Close the gate and take every order off. Raises `trading.controls.services.ControlRefused`, which changed nothing."""
    return kill_switch(
        scope,
        actor=actor_of(person),
        reason=reason,
        idempotency_key=idempotency_key,
        now=to_datetime(time.time_ns()),
        cancel_directly=cancel_directly,
    )


def try_again(person: User, letter: str, reason: str, idempotency_key: str) -> RetryResult:
    """Send what was set aside once more. Raises `trading.controls.services.ControlRefused`, which changed nothing."""
    now = to_datetime(time.time_ns())
    return retry_letter(letter, actor=actor_of(person), reason=reason, idempotency_key=idempotency_key, now=now)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the second person says to a request to resume."""

    request: int
    is_confirmed: bool
    reason: str
    idempotency_key: str


def ask_to_resume(person: User, scope: str, rule: str, reason: str, idempotency_key: str) -> ResumeResult:
    """Ask for what two people must end. Raises `trading.controls.services.ControlRefused`, which changed nothing."""
    now = to_datetime(time.time_ns())
    return request_resume(
        scope, rule, operator=actor_of(person), reason=reason, idempotency_key=idempotency_key, now=now
    )


def decide_to_resume(person: User, decision: Decision, given: Mapping[str, Any] | None = None) -> ResumeResult:
    """Confirm, with a second factor in `given`, or refuse.

    Raises `trading.controls.services.ControlRefused`, which changed nothing.
    """
    now = to_datetime(time.time_ns())
    asked = ResumeRequest.objects.filter(pk=decision.request).first()
    if decision.is_confirmed:
        if asked is not None:
            _refuse_while_overdue(asked.scope, TradingState.ACTIVE.name, now)
        content = request_content(decision.request)
        require_proof(person, Role.APPROVER, content, decision.idempotency_key, given or {})
    decide = confirm_resume if decision.is_confirmed else refuse_resume
    return decide(
        decision.request,
        approver=actor_of(person),
        reason=decision.reason,
        idempotency_key=decision.idempotency_key,
        now=now,
    )
