"""Resetting a person's credentials: whoever could reset a voter's could vote in their name, so the strictest rules hold.

Change: {"username", "what": a word of `governance.access.credentials.RESETS`}. Subject: credentials:<username>.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.credentials import RESETS, CredentialsRefused
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.kinds.people import person_named, words
from governance.review.locks import lock_people
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess


class Credentials:
    name = "credentials"
    proposer_roles = (Role.ADMINISTRATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        username, what = words(change, "username", "what")
        person = person_named(username)
        if what == "password" and not person.email:
            raise ReviewRefused("no_address", _("There is no e-mail address to send the link for a new password to."))
        if what not in RESETS:
            raise ReviewRefused(
                "bad_change", _("That cannot be reset: %(what)s.") % {"what": ", ".join(sorted(RESETS))}
            )
        return {"username": person.get_username(), "what": what}

    def subject(self, change: Change) -> str:
        return f"credentials:{change['username']}"

    def title(self, change: Change) -> str:
        return f"Reset {change['what']}: {change['username']}"[:200]

    def base(self, change: Change) -> Base:
        person = person_named(change["username"])
        at = person.credentials_changed_at.isoformat() if person.credentials_changed_at else ""
        # A hash of the password's hash: it changes with it and tells nobody anything.
        standing = {"at": at, "active": person.is_active, "password": digest(person.password)}
        return {self.subject(change): {"version": 1, "hash": digest(standing)}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        return [DiffRow(change["username"], change["what"], "", "", "", "", "riskier")]

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
        reset = RESETS[change["what"]]
        try:
            reset(person_named(change["username"]), authorised_by=applying.authorised_by, now=applying.now)
        except CredentialsRefused as refused:
            raise ReviewRefused("no_address", str(refused)) from refused
