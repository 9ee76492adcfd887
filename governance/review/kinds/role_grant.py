"""Giving a person a role, by the strictest rules; taking one away, at once.

Change: {"username", "role", "action": "grant" or "revoke"}. Subject: role:<username>:<role>.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from governance.access.grants import grant_role, revoke_role
from governance.access.roles import Role
from governance.models import Proposal, RoleGrant, User
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.kinds.people import person_named, words
from governance.review.kinds.voters import lock_with_voters, refuse_if_last, tell_if_few_are_left
from governance.review.locks import lock_people
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess


class RoleGrantChange:
    name = "role_grant"
    proposer_roles = (Role.ADMINISTRATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        username, role, action = words(change, "username", "role", "action")
        person = person_named(username)
        if role not in set(Role) or action not in ("grant", "revoke"):
            raise ReviewRefused("bad_change", _("There is no such role, or nothing else can be done with it."))
        if _has(person, role) is (action == "grant"):
            raise ReviewRefused("no_change", _("Nothing would change: that is so already."))
        if action == "revoke":
            refuse_if_last(person, role)
        return {"username": person.get_username(), "role": role, "action": action}

    def subject(self, change: Change) -> str:
        return f"role:{change['username']}:{change['role']}"

    def title(self, change: Change) -> str:
        return f"{change['action'].capitalize()} {change['role']}: {change['username']}"[:200]

    def base(self, change: Change) -> Base:
        person = person_named(change["username"])
        grants = RoleGrant.objects.filter(user=person, role=change["role"])
        standing = {"member": _has(person, change["role"]), "active": person.is_active}
        return {self.subject(change): {"version": grants.count(), "hash": digest(standing)}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        is_grant = change["action"] == "grant"
        before, after = ("", change["role"]) if is_grant else (change["role"], "")
        return [DiffRow(change["username"], "role", "", "", before, after, "riskier" if is_grant else "safer")]

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset({change["username"]})

    def lock(self, proposal: Proposal) -> None:
        person = person_named(proposal.change["username"])
        if proposal.change["action"] == "revoke":
            lock_with_voters(person)
        else:
            lock_people([person.pk])

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        person, role = person_named(proposal.change["username"]), Role(proposal.change["role"])
        if proposal.change["action"] == "grant":
            grant_role(person, role, authorised_by=applying.authorised_by, reason=proposal.reason, now=applying.now)
        else:
            refuse_if_last(person, role.value)
            revoke_role(person, role, by_name=proposal.proposer_name, now=applying.now)
            tell_if_few_are_left(proposal, applying.now, role.value)


def _has(person: User, role: str) -> bool:
    return Group.objects.filter(name=role, user=person).exists()
