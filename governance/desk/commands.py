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
from governance.desk.proof import loosens, require_proof, state_content
from governance.models import User
from governance.review.checks import overdue_markets
from trading.clock import to_datetime
from trading.controls.kill import KillResult, kill_switch
from trading.controls.selectors import DESK
from trading.controls.services import OPERATOR, Actor, ControlRefused, ControlResult, set_state
from trading.ledger.dead_letters import RetryResult, retry_letter
from trading.models import Market, TradingControl
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
    is_loosening = loosens(change.scope, change.state)
    if is_loosening:
        content = state_content(change.scope, change.state)
        require_proof(person, Role.OPERATOR, content, change.idempotency_key, given or {})
    return _set(actor_of(person), change, now, may_loosen=is_loosening)


def change_state_at_shell(change: StateChange, person: User | None, login: str) -> ControlResult:
    """As `change_state`, of whoever has a shell on the machine: tightening at once, under the login name where nobody signed in.

    What loosens needs `person`, who has just given password and a fresh code. Raises `ControlRefused`, which changed nothing.
    """
    now = to_datetime(time.time_ns())
    if person is None:
        at_shell = Actor(f"shell:{login}", login, frozenset({OPERATOR}))
        return _set(at_shell, change, now, may_loosen=False)
    _refuse_while_overdue(change.scope, change.state, now)
    return _set(actor_of(person), change, now, may_loosen=True)


def _set(actor: Actor, change: StateChange, now: datetime, *, may_loosen: bool) -> ControlResult:
    return set_state(
        change.scope,
        change.state,
        actor=actor,
        reason=change.reason,
        idempotency_key=change.idempotency_key,
        now=now,
        may_loosen=may_loosen,
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
