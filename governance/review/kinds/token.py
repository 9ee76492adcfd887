"""A token for a program: what it may do its person may do already, but here without a second factor. The strictest rules hold.

Change: {"username", "name", "roles": [...], "days": "1" to "366"}. Subject: token:<username>. What is applied is a token that
opens nothing yet: its person fetches the secret, which nobody else ever sees (`governance.access.tokens`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.roles import Role, roles_of
from governance.access.tokens import TokenRefused, check_request, issue
from governance.models import ApiToken, Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.kinds.people import person_named
from governance.review.locks import lock_people
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess

FIELDS = {"username", "name", "roles", "days"}
DIGITS_MAX = 4


class Token:
    name = "token"
    proposer_roles = (Role.ADMINISTRATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or set(change) != FIELDS:
            raise _bad()
        name, roles, days = change["name"], change["roles"], change["days"]
        if not isinstance(name, str) or not isinstance(roles, list) or not isinstance(days, str):
            raise _bad()
        if not all(isinstance(role, str) for role in roles) or not _is_number(days):
            raise _bad()
        person = person_named(change["username"])
        _translated(person, name, roles, int(days))
        return {
            "username": person.get_username(),
            "name": name.strip(),
            "roles": sorted(roles),
            "days": str(int(days)),
        }

    def subject(self, change: Change) -> str:
        return f"token:{change['username']}"

    def title(self, change: Change) -> str:
        return f"Token of {change['username']}: {change['name']}"[:200]

    def base(self, change: Change) -> Base:
        person = person_named(change["username"])
        standing = {"roles": sorted(roles_of(person)), "active": person.is_active}
        tokens = ApiToken.objects.filter(person=person).count()
        return {self.subject(change): {"version": tokens, "hash": digest(standing)}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        who, name = change["username"], change["name"]
        return [
            DiffRow(who, name, "", "", "", ", ".join(change["roles"]), "riskier"),
            DiffRow(who, name, "", "d", "", change["days"], "riskier"),
        ]

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset({change["username"]})

    def lock(self, proposal: Proposal) -> None:
        lock_people([person_named(proposal.change["username"]).pk])

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        change = applying.proposal.change
        person = person_named(change["username"])
        try:
            issue(
                person,
                change["name"],
                change["roles"],
                int(change["days"]),
                authorised_by=applying.authorised_by,
                now=applying.now,
            )
        except TokenRefused as refused:
            raise ReviewRefused(refused.code, str(refused)) from refused


def _translated(person: Any, name: str, roles: list[str], days: int) -> None:
    try:
        check_request(person, name, roles, days)
    except TokenRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX


def _bad() -> ReviewRefused:
    message = _("The change must say: %(names)s.")
    return ReviewRefused("bad_change", message % {"names": ", ".join(sorted(FIELDS))})
