"""Ending a kill, or a rule's lock that one person may not lift: the proposer asks, the voter is the second person.

Change: {"scope": "desk" or a market's slug, "rule": "kill" or the lock's rule}. Subject: control:<scope>:<rule>.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess
from trading.controls.checks import failing, refuse_if_red_for_two
from trading.controls.commands import DESK, ControlRefused, require_scope
from trading.controls.resume import confirm_resume, request_resume
from trading.controls.rule_locks import LIFTED_BY_ONE
from trading.controls.selectors import KILL
from trading.locks import lock_command, lock_controls
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
        _translated(require_scope, scope)
        if rule in LIFTED_BY_ONE:
            raise ReviewRefused("one_person", _("One operator may lift this lock: resume."))
        if not _stands(scope, rule):
            raise ReviewRefused(
                "nothing_to_resume", _("Nothing of that rule stands on “%(scope)s”.") % {"scope": scope}
            )
        return {"scope": scope, "rule": rule}

    def subject(self, change: Change) -> str:
        return f"control:{change['scope']}:{change['rule']}"

    def title(self, change: Change) -> str:
        return f"Resume {change['scope']} from {change['rule']}"

    def base(self, change: Change) -> Base:
        scope = change["scope"]
        control = TradingControl.objects.filter(scope=scope).first()
        lock = None if change["rule"] == KILL else _lock(scope, change["rule"])
        standing = {"state": control.state if control else "", "lock": lock.pk if lock else 0}
        return {f"control:{scope}": {"version": control.version if control else 0, "hash": digest(standing)}}

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
        return tuple(Market.objects.filter(is_active=True).order_by("slug").values_list("slug", flat=True))

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        for key in (_key(proposal, "ask"), _key(proposal, "confirm")):
            lock_command(key)
        lock_controls([proposal.change["scope"]])

    def ready(self, change: Change, now: datetime) -> None:
        _translated(refuse_if_red_for_two, failing(change["scope"], now))

    def apply(self, applying: Applying) -> None:
        _translated(_resume, applying)


def _resume(applying: Applying) -> None:
    proposal, now = applying.proposal, applying.now
    rule = proposal.change["rule"]
    asked = request_resume(
        proposal.change["scope"],
        None if rule == KILL else rule,
        operator=actor_of(applying.proposer),
        reason=proposal.reason,
        idempotency_key=_key(proposal, "ask"),
        now=now,
    )
    confirm_resume(
        asked.request,
        approver=actor_of(applying.approvers[0]),
        reason=f"Proposal {proposal.pk}: {proposal.reason}"[:500],
        idempotency_key=_key(proposal, "confirm"),
        now=now,
    )


def _translated(call: Any, argument: Any) -> None:
    try:
        call(argument)
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused


def _key(proposal: Proposal, what: str) -> str:
    return f"proposal:{proposal.pk}:{what}"


def _lock(scope: str, rule: str) -> Lock | None:
    return Lock.objects.filter(scope=scope, rule=rule, lifted_at__isnull=True).first()


def _stands(scope: str, rule: str) -> bool:
    if rule == KILL:
        return TradingControl.objects.filter(scope=scope, state="HALTED").exists()
    return _lock(scope, rule) is not None
