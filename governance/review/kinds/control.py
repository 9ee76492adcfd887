"""Ending a kill, or a rule's lock that one person may not lift: the proposer asks, the voter is the second person.

Change: {"scope": "desk" or a market's slug, "rule": "kill" or the lock's rule}. Subject: control:<scope>:<rule>.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.access.roles import Role
from governance.database_time import database_time
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess
from trading.controls.checks import failing, refuse_if_red_for_two
from trading.controls.commands import DESK, ControlRefused, require_scope
from trading.controls.resume import end_by_authority, what_stands
from trading.controls.selectors import KILL
from trading.locks import lock_controls
from trading.models import Lock, Market, TradingControl


class Control:
    name = "control"
    proposer_roles = (Role.OPERATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or set(change) != {"scope", "rule"}:
            raise ReviewRefused("bad_change", _("Say which scope is to be resumed, and from what."))
        scope, rule = change["scope"], change["rule"]
        if not isinstance(scope, str) or not isinstance(rule, str) or "\x00" in rule:
            raise ReviewRefused("bad_change", _("Say which scope is to be resumed, and from what."))
        with _translated():
            require_scope(scope)
            what_stands(scope, rule)
        _refuse_if_ran_out(scope, rule)
        return {"scope": scope, "rule": rule}

    def subject(self, change: Change) -> str:
        return f"control:{change['scope']}:{change['rule']}"

    def title(self, change: Change) -> str:
        return f"Resume {change['scope']} from {change['rule']}"

    def base(self, change: Change) -> Base:
        """What stands, which the database compares too: the version of the control, and the lock as strict as it is."""
        scope, rule = change["scope"], change["rule"]
        control = TradingControl.objects.filter(scope=scope).first()
        lock = None if rule == KILL else Lock.objects.filter(scope=scope, rule=rule, lifted_at__isnull=True).first()
        standing = {"state": _state_of(control if rule == KILL else lock), "lock": lock.pk if lock else 0}
        version = control.version if control else 0
        return {f"control:{scope}": {"version": version, "hash": digest(standing)} | standing}

    def rule(self, change: Change) -> str:
        return "control_kill" if change["rule"] == KILL else self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        before = "HALTED" if change["rule"] == KILL else change["rule"]
        return [DiffRow(change["scope"], "state", "", "", before, "ACTIVE" if change["rule"] == KILL else "")]

    def markets(self, change: Change) -> tuple[str, ...]:
        if change["scope"] != DESK:
            return (change["scope"],)
        # Those that are off, too: the database asks for the reviews of all of them.
        return tuple(Market.objects.order_by("slug").values_list("slug", flat=True))

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        lock_controls([proposal.change["scope"]])

    def ready(self, change: Change, now: datetime) -> None:
        _refuse_if_ran_out(change["scope"], change["rule"])
        with _translated():
            refuse_if_red_for_two(failing(change["scope"], now))

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        _refuse_if_ran_out(proposal.change["scope"], proposal.change["rule"])
        with _translated():
            end_by_authority(
                proposal.change["scope"],
                proposal.change["rule"],
                authorised_by=applying.authorised_by,
                actor=actor_of(applying.approvers[0]),
                reason=f"Proposal {proposal.pk}: {proposal.reason}"[:500],
                now=applying.now,
            )


def _refuse_if_ran_out(scope: str, rule: str) -> None:
    """The database lets nobody end what has ended by its clock; only a clock of ours that is behind still shows it.

    Raises `ReviewRefused` ("ran_out").
    """
    if Lock.objects.filter(scope=scope, rule=rule, lifted_at__isnull=True, until__lte=database_time()).exists():
        message = _("The lock “%(rule)s” of “%(scope)s” has run out: nothing has to be ended.")
        raise ReviewRefused("ran_out", message % {"rule": rule, "scope": scope})


def _state_of(standing: TradingControl | Lock | None) -> str:
    return standing.state if standing else ""


@contextmanager
def _translated() -> Iterator[None]:
    """Refusals of trading as those of review."""
    try:
        yield
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused
