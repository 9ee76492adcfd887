"""What several verbs ask before they act; each refuses with its code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from governance.access.roles import Role, has_role
from governance.database_time import either_reached
from governance.models import Proposal, User
from governance.review.canonical import content_hash
from governance.review.eligibility import Electorate
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Kind
from governance.review.policies import requirement_now
from governance.review.policy import CLASSES, Policy, Requirement
from governance.review.registry import kind_named


def require_role(person: User, roles: Iterable[Role]) -> None:
    """Raises `ReviewRefused` ("no_role")."""
    wanted = tuple(roles)
    if not has_role(person, *wanted):
        message = _("This needs the role %(roles)s.")
        raise ReviewRefused("no_role", message % {"roles": ", ".join(role.value for role in wanted)})


def require_own(person: User, proposal: Proposal) -> None:
    """The proposer themselves, still with the role to propose it. Raises `ReviewRefused` ("no_role", "not_yours")."""
    require_role(person, kind_named(proposal.kind).proposer_roles)
    if person.pk != proposal.proposer_id:
        raise ReviewRefused("not_yours", _("Only who made the proposal may do this."))


def refuse_if_stale(proposal: Proposal, kind: Kind) -> None:
    """What the proposal is based on must still be in force. Raises `ReviewRefused` ("stale")."""
    if kind.base(proposal.change) != proposal.base:
        message = _(
            "What this changes has been changed since: edit the proposal so that it starts from what is in force."
        )
        raise ReviewRefused("stale", message)


def refuse_if_tampered(proposal: Proposal) -> None:
    """The stored content must have the stored hash. Raises `ReviewRefused` ("content_changed")."""
    hash_now = content_hash(proposal.kind, proposal.subject, proposal.change, proposal.base, proposal.policy_version)
    if hash_now != proposal.content_hash:
        raise ReviewRefused("content_changed", _("The proposal is not what its hash says."))


def overdue_markets(now: datetime) -> frozenset[str]:
    """Slugs of markets on which a reducing change was not looked at in time, by `now` or by the database's clock."""
    overdue = Proposal.objects.filter(review_due_at__lte=either_reached(now), reviewed_at__isnull=True)
    found = overdue.values_list("kind", "change")
    return frozenset(slug for kind, change in found for slug in kind_named(kind).markets(change))


def refuse_if_overdue(proposal: Proposal, kind: Kind, now: datetime) -> None:
    """Nothing of a market is loosened while a review of it is overdue. Raises `ReviewRefused` ("review_overdue")."""
    if proposal.risk_class == CLASSES[0]:
        return
    if late := sorted(overdue_markets(now) & set(kind.markets(proposal.change))):
        message = _("A reducing change of “%(markets)s” has not been reviewed in time: review it first.")
        raise ReviewRefused("review_overdue", message % {"markets": ", ".join(late)})


def needed_now(proposal: Proposal, kind: Kind, policy: Policy, now: datetime) -> Requirement:
    """What the proposal needs by its own record and by the policy in force, of its class then and of its class now."""
    class_now = kind.risk(proposal.change, policy, now).risk_class
    risk_class = max(class_now, proposal.risk_class, key=CLASSES.index)
    return requirement_now(proposal, kind.rule(proposal.change), policy, risk_class)


def electorate(proposal: Proposal, kind: Kind, policy: Policy, needed: Requirement) -> Electorate:
    """Who votes on it."""
    return Electorate(needed.roles, policy.guardian_role, kind.barred(proposal.change), needed.demands_security_key)


def reviewers(proposal: Proposal, kind: Kind, policy: Policy) -> Electorate:
    """Who looks at a reducing change afterwards: those who would have voted on its opposite."""
    return electorate(proposal, kind, policy, policy.classes["increasing"])
