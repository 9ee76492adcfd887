"""Who may vote on a proposal, and whose votes count: asked anew at the vote and again when the change is applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Prefetch, QuerySet

from governance.access.second_factor import Method
from governance.models import Proposal, SecurityKey, User, Vote, VoteChoice

NEEDS_KEY: Final = "needs_key"


@dataclass(frozen=True, slots=True)
class Electorate:
    """`roles` vote, members of `guardian_role` only where that is one of them, and never the people `barred` because the change
    is about them or theirs. Where `demands_security_key`, a vote by a code does not count."""

    roles: tuple[str, ...]
    guardian_role: str
    barred: frozenset[str]
    demands_security_key: bool = False


def why_not(person: User, proposal: Proposal, electorate: Electorate) -> str | None:
    """The coded reason why the person may not vote on the proposal; None if they may."""
    roles = {group.name for group in person.groups.all()}
    if person.pk == proposal.proposer_id:
        return "own_proposal"
    if not person.is_active:
        return "inactive"
    if person.get_username() in electorate.barred:
        return "about_you"
    if electorate.guardian_role in roles and electorate.guardian_role not in electorate.roles:
        return "guardian"
    if not roles & set(electorate.roles):
        return "no_role"
    return _changed_since(person, proposal)


def _changed_since(person: User, proposal: Proposal) -> str | None:
    """Nobody votes who was made, promoted, reset or opened after the proposal was: else voters could be made for it."""
    since = proposal.created_at
    if person.date_joined > since:
        return "joined_after"
    for code, at in (
        ("role_after", person.roles_changed_at),
        ("credentials_after", person.credentials_changed_at),
        ("opened_after", person.activated_at),
    ):
        if at is not None and at > since:
            return code
    return None


def approvals(proposal: Proposal, electorate: Electorate) -> list[Vote]:
    """Approving votes that count now: of this revision, about this very content, by people who may still vote."""
    votes = Vote.objects.filter(
        proposal=proposal,
        revision=proposal.revision,
        choice=VoteChoice.APPROVE,
        content_hash=proposal.content_hash,
    )
    votes = votes.prefetch_related(Prefetch("voter", User.objects.prefetch_related("groups"))).order_by(
        "voted_at", "pk"
    )
    return [vote for vote in votes if why_void(vote, proposal, electorate) is None]


def why_void(vote: Vote, proposal: Proposal, electorate: Electorate) -> str | None:
    """The coded reason why the vote, about this content, does not count (any more); None if it does."""
    if electorate.demands_security_key and vote.method != Method.WEBAUTHN.value:
        return NEEDS_KEY
    return why_not(vote.voter, proposal, electorate)


def has_key(person: User) -> bool:
    """True if a security key of the person is enrolled."""
    return SecurityKey.objects.filter(person=person, revoked_at=None).exists()


def may_still_vote(proposal: Proposal, electorate: Electorate) -> list[User]:
    """People who may vote on this revision and have not."""
    voted = set(Vote.objects.filter(proposal=proposal, revision=proposal.revision).values_list("voter_id", flat=True))
    people = members(electorate.roles)
    if electorate.demands_security_key:
        people = people.filter(pk__in=SecurityKey.objects.filter(revoked_at=None).values("person_id"))
    return [one for one in people if one.pk not in voted and why_not(one, proposal, electorate) is None]


def members(roles: Iterable[str]) -> QuerySet[User]:
    """Active members of any of `roles`, with their groups."""
    people = User.objects.filter(is_active=True, groups__name__in=list(roles)).distinct()
    return people.prefetch_related("groups").order_by("username")
