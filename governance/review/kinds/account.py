"""Closing a person's account: at once by one administrator, looked at by an approver within a day. Opening it again is a reset of
`credentials`, by the strictest rules.

Change: {"username", "action": "close"}. Subject: account:<username>. The last person who may vote, and the last guardian, are
not closed: nobody could open an account again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.access.closing import close_account
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.kinds.people import person_named, refuse_about_oneself, words
from governance.review.kinds.voters import lock_with_voters, refuse_if_last, tell_if_few_are_left
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess


class Account:
    name = "account"
    proposer_roles = (Role.ADMINISTRATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        username, action = words(change, "username", "action")
        person = person_named(username)
        if action != "close":
            raise ReviewRefused("bad_change", _("An account is closed here; it is opened again under “credentials”."))
        if not person.is_active:
            raise ReviewRefused("no_change", _("Nothing would change: that is so already."))
        refuse_if_last(person)
        return {"username": person.get_username(), "action": action}

    def subject(self, change: Change) -> str:
        return f"account:{change['username']}"

    def title(self, change: Change) -> str:
        return f"Close the account: {change['username']}"[:200]

    def base(self, change: Change) -> Base:
        person = person_named(change["username"])
        opened = person.activated_at.isoformat() if person.activated_at else ""
        return {self.subject(change): {"version": 1, "hash": digest({"active": person.is_active, "at": opened})}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return assess(self.name, change, {}, {}, policy, {})

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        return [DiffRow(change["username"], "account", "", "", "open", "closed", "safer")]

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset({change["username"]})

    def lock(self, proposal: Proposal) -> None:
        lock_with_voters(person_named(proposal.change["username"]))

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        person = person_named(proposal.change["username"])
        refuse_about_oneself(applying.proposer, self, proposal.change)
        refuse_if_last(person)
        close_account(person, authorised_by=applying.authorised_by, by_name=proposal.proposer_name, now=applying.now)
        tell_if_few_are_left(proposal, applying.now)
