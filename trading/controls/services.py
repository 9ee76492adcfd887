"""Changing trading states: pause, reduce, kill at once by one operator; loosening only as far as one person may.

Each command: one transaction (receipt, control or lock, event), an idempotency key, a reason. PostgreSQL first: its gate is
closed by the commit, and what workers are told through the hot state after it saves them a second at most.
What two people must end is in `trading.controls.resume`, and proposed in the rooms above.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.announce import announce_loosening, announce_tightening
from trading.controls.checks import Failed, failing, refuse_if_red
from trading.controls.commands import (
    DESK,
    OPERATOR,
    REASON_MAX,
    REASON_MIN,
    Actor,
    ControlRefused,
    aggregate,
    done_before,
    fingerprint,
    locked_control,
    refused_by_database,
    require_key,
    require_operator,
    require_reason,
    require_scope,
    write_receipt,
)
from trading.controls.rule_locks import LIFTED_BY_ONE, active_locks, impose_lock, lift, named
from trading.controls.selectors import own_states
from trading.events.services import record
from trading.locks import lock_command
from trading.models import TradingControl
from trading.risk.states import TradingState

__all__ = [
    "DESK",
    "OPERATOR",
    "REASON_MAX",
    "REASON_MIN",
    "Actor",
    "ControlRefused",
    "ControlResult",
    "impose_lock",
    "kill",
    "pause",
    "reduce",
    "resume",
    "set_state",
    "store_state",
]


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What stands after the command. `repeated`: the same key had been used for it before, nothing was done again.
    `changed`: False where the control already said so; nothing was written but the receipt."""

    scope: str
    state: str
    version: int
    repeated: bool = False
    changed: bool = True


@dataclass(frozen=True, slots=True)
class _Command:
    scope: str
    wanted: TradingState
    actor: Actor
    reason: str
    now: datetime


def set_state(
    scope: str,
    state: TradingState | str,
    *,
    actor: Actor,
    reason: str,
    idempotency_key: str,
    now: datetime,
    may_loosen: bool = True,
) -> ControlResult:
    """Set the control of the desk or a market. Raises `ControlRefused`.

    Loosening needs every check green and is refused where two people are needed; ACTIVE also lifts the locks that one person
    may lift. A door that does not know who is there, or has not asked for what loosening needs, says `may_loosen=False`.
    """
    require_operator(actor)
    text = require_reason(reason)
    require_key(idempotency_key)
    command = _Command(scope, _state(state), actor, text, now)
    require_scope(scope)
    command_hash = fingerprint("set_state", scope, command.wanted.value, actor.id)
    if (done := done_before(idempotency_key, command_hash)) is not None:
        return ControlResult(**done, repeated=True)
    # The hot state may take seconds to answer: asked before any row is locked, and never for a tightening.
    control = TradingControl.objects.filter(scope=scope).first()
    failed = failing(scope, now) if may_loosen and control is not None and _loosens(control, command) else None
    with transaction.atomic():
        lock_command(idempotency_key)
        if (done := done_before(idempotency_key, command_hash)) is not None:
            return ControlResult(**done, repeated=True)
        control = locked_control(scope)
        if _loosens(control, command):
            _refuse_unless_it_may_loosen(control, command, failed, may_loosen)
        with refused_by_database():
            result = _carry_out(control, command)
        receipt = {name: value for name, value in asdict(result).items() if name != "repeated"}
        write_receipt(idempotency_key, "controls.set_state", command_hash, receipt, actor, now)
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


def _state(state: TradingState | str) -> TradingState:
    try:
        return TradingState(str(state).lower())
    except ValueError:
        raise ControlRefused("bad_state", _("There is no trading state “%(state)s”.") % {"state": state}) from None


def _loosens(control: TradingControl, command: _Command) -> bool:
    """The command would make the control less strict, or asks for ACTIVE while a lock stands."""
    before = TradingState(control.state.lower())
    if command.wanted is TradingState.ACTIVE and active_locks(command.scope, command.now).exists():
        return True
    return command.wanted.strictness < before.strictness


def _refuse_unless_it_may_loosen(
    control: TradingControl, command: _Command, failed: tuple[Failed, ...] | None, may_loosen: bool
) -> None:
    """`failed`: the checks that are not passed; None where they were not asked, since nothing was to loosen then."""
    if not may_loosen:
        message = _("This would loosen: it needs a person of the portal with a fresh second factor.")
        raise ControlRefused("loosens", message)
    _refuse_unless_one_may_loosen(control, command.now)
    if failed is None:
        raise ControlRefused("changed", _("The state has just been changed by others. Look again."))
    refuse_if_red(failed, command.wanted)


def _refuse_unless_one_may_loosen(control: TradingControl, now: datetime) -> None:
    if control.state == TradingState.HALTED.name:
        raise ControlRefused(
            "two_people", _("Halted: two people must lift a kill. An operator proposes it, an approver votes.")
        )
    for lock in active_locks(control.scope, now).order_by("rule"):
        if lock.rule not in LIFTED_BY_ONE:
            message = _("Locked by the rule “%(rule)s”: an operator proposes to lift it, an approver votes.")
            raise ControlRefused("two_people", message % {"rule": lock.rule})


def _carry_out(control: TradingControl, command: _Command) -> ControlResult:
    before = TradingState(control.state.lower())
    locks = list(active_locks(command.scope, command.now)) if command.wanted is TradingState.ACTIVE else []
    for lock in locks:
        lift(lock, command.actor, command.reason, command.now)
    if command.wanted is not before:
        store_state(control, command.wanted, command.actor, command.reason, command.now)
    elif locks:
        tell_loosening(command.scope, command.now)
    is_changed = command.wanted is not before or bool(locks)
    return ControlResult(command.scope, control.state, control.version, changed=is_changed)


def store_state(
    control: TradingControl, wanted: TradingState, actor: Actor, reason: str, now: datetime, authorised_by: str = ""
) -> None:
    """Write the state with its event, within a transaction that holds the row and has judged that it may be written.

    `authorised_by` names what allowed the end of a kill; the database asks it.
    """
    before = TradingState(control.state.lower())
    scope = control.scope
    control.state, control.reason, control.changed_at = wanted.name, reason, now
    control.actor_id, control.actor_name, control.authorised_by = actor.id, actor.name, authorised_by
    control.version += 1
    control.save()
    payload = {"scope": scope, "from": before.name, "to": wanted.name, "reason": reason, "version": control.version}
    payload |= named(authorised_by)
    record(aggregate(scope), "control.changed", payload, actor_id=actor.id, actor_name=actor.name, occurred_at=now)
    if wanted.strictness > before.strictness:
        transaction.on_commit(lambda: announce_tightening(scope, wanted, now), robust=True)
    else:
        tell_loosening(scope, now)


def tell_loosening(scope: str, now: datetime) -> None:
    """When this transaction has committed, workers are told what still stands on the scope."""
    remaining = own_states((scope,), now)[scope]
    transaction.on_commit(lambda: announce_loosening(scope, remaining, now), robust=True)
