"""Ending what only two people may end: a kill (a control at HALTED), and every lock whose rule one person may not lift.

Who proposes and who votes is the business of the rooms above; here is what ending it means, and what must be so then. The
database asks what is named as the authority: without an approved proposal about exactly this nothing ends.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.checks import failing, refuse_if_red_for_two
from trading.controls.commands import Actor, ControlRefused, locked_control, require_reason, require_scope
from trading.controls.rule_locks import LIFTED_BY_ONE, lift
from trading.controls.selectors import KILL
from trading.controls.services import store_state, tell_loosening
from trading.hot_state.connection import HotStateUnavailable
from trading.models import Lock, Market, TradingControl
from trading.risk.states import TradingState
from trading.risk.verdict import Rule
from trading.sessions import NothingKnown, begin_anew


def end_by_authority(scope: str, rule: str, *, authorised_by: str, actor: Actor, reason: str, now: datetime) -> None:
    """Lift the lock of `rule` on `scope`, or its kill ("kill"), while every check passes.

    `authorised_by` names what allowed it, as in "proposal:7"; `actor` is the second person. Raises `ControlRefused`, which
    changed nothing, and `IntegrityError` where the database finds that it allowed something else, or nothing.
    """
    text = require_reason(reason)
    require_scope(scope)
    # The hot state may take seconds to answer: asked before any row is locked, where the caller holds none.
    failed = failing(scope, now)
    with transaction.atomic():
        control = locked_control(scope)
        lock = what_stands(scope, rule)
        refuse_if_red_for_two(failed)
        if lock is None:
            store_state(control, TradingState.ACTIVE, actor, text, now, authorised_by)
            return
        if lock.rule == Rule.DRAWDOWN.value:
            _measure_anew(scope, now)
        lift(lock, actor, text, now, authorised_by)
        tell_loosening(scope, now)


def what_stands(scope: str, rule: str) -> Lock | None:
    """The lock of the rule, None for a kill. Raises `ControlRefused` where there is nothing that two people must end."""
    if rule in LIFTED_BY_ONE:
        raise ControlRefused("one_person", _("One operator may lift this lock: resume."))
    if rule == KILL:
        if TradingControl.objects.filter(scope=scope, state=TradingState.HALTED.name).exists():
            return None
    elif (lock := Lock.objects.filter(scope=scope, rule=rule, lifted_at__isnull=True).first()) is not None:
        return lock
    raise ControlRefused("nothing_to_resume", _("Nothing of that rule stands on “%(scope)s”.") % {"scope": scope})


def _measure_anew(slug: str, now: datetime) -> None:
    """The loss that two people have looked at counts no more: drawdown is measured from here."""
    try:
        begin_anew(Market.objects.get(slug=slug).pk, slug, now)
    except (NothingKnown, HotStateUnavailable):
        message = _("Position or price of “%(scope)s” are not known: wait until they are, then propose it again.")
        raise ControlRefused("pnl_unknown", message % {"scope": slug}) from None
