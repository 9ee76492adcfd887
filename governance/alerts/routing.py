"""Who is told what: by role, and by what they had to do with the proposal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from governance.access.roles import Role
from governance.models import Proposal, User


@dataclass(frozen=True, slots=True)
class Audience:
    """`proposer`; `voters`: who voted on it; `talkers`: who wrote in its discussion; `electorate`: the roles that its policy lets
    vote, once it was in review; `roles`: these besides."""

    proposer: bool = False
    voters: bool = False
    talkers: bool = False
    electorate: bool = False
    roles: tuple[Role, ...] = ()


_INVOLVED: Final = Audience(proposer=True, voters=True)
_WATCHED: Final = Audience(proposer=True, voters=True, roles=(Role.COMPLIANCE,))
_STOPPED: Final = Audience(proposer=True, voters=True, electorate=True)

# Event → who is told. "applied_at_once" is `proposal.applied` where nobody voted. An event that is not here is not told.
AUDIENCES: Final[dict[str, Audience]] = {
    "proposal.edited": Audience(voters=True),
    "proposal.submitted": Audience(electorate=True),
    "proposal.voted": _INVOLVED,
    "proposal.changes_requested": _INVOLVED,
    "proposal.rejected": _INVOLVED,
    "proposal.approved": _WATCHED,
    "proposal.scheduled": _WATCHED,
    "proposal.applied": _WATCHED,
    "applied_at_once": Audience(roles=(Role.APPROVER, Role.COMPLIANCE)),
    "proposal.failed": Audience(proposer=True, voters=True, roles=(Role.OPERATOR,)),
    "proposal.expired": _INVOLVED,
    "proposal.withdrawn": _STOPPED,
    "proposal.superseded": _STOPPED,
    "proposal.cancelled": _STOPPED,
    "proposal.commented": Audience(proposer=True, voters=True, talkers=True),
    "proposal.reviewed": Audience(proposer=True),
    "proposal.review_overdue": Audience(proposer=True, roles=(Role.APPROVER, Role.OPERATOR, Role.COMPLIANCE)),
    "proposal.few_voters_left": Audience(roles=(Role.ADMINISTRATOR, Role.APPROVER, Role.COMPLIANCE)),
    "proposal.voters_missing": Audience(proposer=True, roles=(Role.ADMINISTRATOR,)),
}


def event_told(event: str, proposal: Proposal) -> str:
    """The event under which it is told."""
    at_once = event == "proposal.applied" and proposal.review_due_at is not None
    return "applied_at_once" if at_once else event


def people_told(event: str, proposal: Proposal, but: str) -> QuerySet[User]:
    """Active people whom the event concerns, with their choice of contact, but the one of that actor id; none where nobody is
    told."""
    audience = AUDIENCES.get(event)
    if audience is None:
        return User.objects.none()
    wanted = Q(pk__in=())
    if audience.proposer:
        wanted |= Q(pk=proposal.proposer_id)
    if audience.voters:
        wanted |= Q(pk__in=proposal.votes.values("voter_id"))
    if audience.talkers:
        wanted |= Q(pk__in=proposal.comments.values("author_id"))
    if roles := _roles(audience, proposal):
        wanted |= Q(pk__in=User.groups.through.objects.filter(group__name__in=roles).values("user_id"))
    found = User.objects.filter(wanted, is_active=True).select_related("contact_choice").order_by("pk")
    if audience.electorate and not audience.proposer:
        # Who proposed it does not vote on it.
        found = found.exclude(pk=proposal.proposer_id)
    return found.exclude(pk=int(but)) if but.isdecimal() else found


def _roles(audience: Audience, proposal: Proposal) -> list[str]:
    is_known = audience.electorate and proposal.submitted_at is not None
    voting: Iterable[str] = proposal.required.get("roles", ()) if is_known else ()
    return sorted({*voting, *(role.value for role in audience.roles)})
