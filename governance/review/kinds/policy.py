"""The review policy itself: the rules change by the rules in force, always the strictest of them.

Change: {"body": the complete new rules}. Subject: policy. Base: {"policy": {"version": n, "hash": hash of the rules}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.roles import Role
from governance.models import Proposal, ReviewPolicy
from governance.review.canonical import canonical, digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policies import write_policy
from governance.review.policy import InvalidPolicy, Policy, parse_policy
from governance.review.risk import RiskAssessment, assess


class PolicyChange:
    name = "policy"
    proposer_roles = (Role.ADMINISTRATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or set(change) != {"body"}:
            raise ReviewRefused("bad_change", _("Say what the rules of review shall be."))
        try:
            parse_policy(change["body"], 0)
        except InvalidPolicy as problem:
            raise ReviewRefused("invalid", str(problem)) from problem
        last = _last()
        if last is not None and digest(change["body"]) == last.body_hash:
            raise ReviewRefused("no_change", _("These are the rules in force."))
        return {"body": change["body"]}

    def subject(self, change: Change) -> str:
        return self.name

    def title(self, change: Change) -> str:
        return "Rules of review"

    def base(self, change: Change) -> Base:
        last = _last()
        return {"policy": {"version": last.version if last else 0, "hash": last.body_hash if last else ""}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        row = ReviewPolicy.objects.filter(version=base["policy"]["version"]).first()
        before, after = _flat(row.body if row else {}), _flat(change["body"])
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        return [DiffRow("policy", name, "", "", before.get(name, ""), after.get(name, "")) for name in names]

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        # Two versions at once: the unique version number lets only one be written.
        return

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        try:
            write_policy(
                proposal.change["body"],
                authorised_by=applying.authorised_by,
                actor_id=str(proposal.proposer_id),
                actor_name=proposal.proposer_name,
                reason=proposal.reason,
                now=applying.now,
            )
        except InvalidPolicy as problem:
            raise ReviewRefused("invalid", str(problem)) from problem


def _last() -> ReviewPolicy | None:
    return ReviewPolicy.objects.order_by("-version").first()


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Leaves by dotted name, as canonical JSON."""
    if not isinstance(value, Mapping):
        return {name: canonical(value)}
    leaves: dict[str, str] = {}
    for key, item in value.items():
        leaves |= _flat(item, f"{name}.{key}" if name else str(key))
    return leaves
