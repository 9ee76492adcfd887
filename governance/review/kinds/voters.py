"""That somebody is left who can decide: the last voter, guardian and administrator stay, and too few voters are told of."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from governance.access.roles import Role
from governance.alerts import notify
from governance.models import Proposal, User
from governance.review.eligibility import members
from governance.review.errors import ReviewRefused
from governance.review.locks import lock_people
from governance.review.policies import policy_in_force
from governance.review.policy import Policy
from governance.review.transitions import SYSTEM


def refuse_if_last(person: User, role: str | None = None) -> None:
    """Raises `ReviewRefused` ("last_one") where without the person (in that role, or in any) nobody could vote, cancel, or
    open an account and give a role."""
    policy = policy_in_force()
    counted = [_able(policy)] if role is None or role in _voting(policy) else []
    counted += [members([policy.guardian_role])] if role in (None, policy.guardian_role) else []
    counted += [members([Role.ADMINISTRATOR])] if role in (None, Role.ADMINISTRATOR) else []
    for people in counted:
        if list(people.values_list("pk", flat=True)) == [person.pk]:
            message = _(
                "Without “%(name)s” nobody could vote, cancel, or give roles: give another person the role first."
            )
            raise ReviewRefused("last_one", message % {"name": person.get_username()})


def lock_with_voters(person: User) -> None:
    """All who are counted, too: two taken away at once would each find the other still there."""
    policy = policy_in_force()
    names = [*_voting(policy), policy.guardian_role, Role.ADMINISTRATOR]
    counted = User.objects.filter(groups__name__in=names)
    lock_people([person.pk, *counted.values_list("pk", flat=True)])


def tell_if_few_are_left(proposal: Proposal, now: datetime, role: str | None = None) -> None:
    """Alert where fewer people may vote than the strictest class needs; of a role that does not vote nothing is said."""
    policy = policy_in_force()
    able, quorum = _able(policy).count(), policy.classes["strictest"].quorum
    if able < quorum and (role is None or role in _voting(policy)):
        notify("proposal.few_voters_left", proposal, {"able": able, "quorum": quorum}, actor=SYSTEM, now=now)


def _voting(policy: Policy) -> tuple[str, ...]:
    return policy.classes["strictest"].roles


def _able(policy: Policy) -> QuerySet[User]:
    """People who could vote on what is proposed now by somebody else."""
    return members(_voting(policy)).exclude(pk__in=members([policy.guardian_role]).values("pk"))
