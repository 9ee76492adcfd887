"""What pages and the API read about proposals: lists with a fixed number of queries, whatever their length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, QuerySet

from governance.models import Proposal, User, Vote
from governance.review.eligibility import Electorate, why_not
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import DiffRow
from governance.review.kinds.parameters import diff_of_values
from governance.review.policies import policy_in_force
from governance.review.registry import KINDS
from governance.review.states import OPEN, TERMINAL
from governance.review.values import market_named, values_of_version
from trading.parameter_versions import parameter_versions

PAGE: Final = 50
# Lines of each list of the inbox.
SHOWN: Final = 20
# What no line shows, and much of a row.
_UNSHOWN: Final = ("base", "risk_reasons", "reason", "failure", "preview_hash", "applied_by_name", "reviewed_by_name")


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """A proposal in a list. `approvals` of `quorum` were given to its revision; times are None where they do not apply."""

    id: int
    kind: str
    subject: str
    title: str
    state: str
    risk_class: str
    proposer_name: str
    is_demo: bool
    approvals: int
    quorum: int
    created_at: datetime
    not_before: datetime | None
    valid_until: datetime | None
    review_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for a person: to vote on, to look at afterwards, their own open ones, and what will be applied next."""

    to_vote: tuple[ProposalLine, ...]
    to_review: tuple[ProposalLine, ...]
    own: tuple[ProposalLine, ...]
    coming: tuple[ProposalLine, ...]


def inbox(person: User, now: datetime) -> Inbox:
    """Newest first, at most `SHOWN` of each. Without a review policy nobody can vote."""
    try:
        policy = policy_in_force()
    except ReviewRefused:
        return Inbox((), (), _lines(_own(person)), ())
    mine = set(Vote.objects.filter(voter=person, proposal__state="IN_REVIEW").values_list("proposal_id", "revision"))

    def votes_on(proposal: Proposal, roles: Iterable[str]) -> bool:
        voters = Electorate(tuple(roles), policy.guardian_role, KINDS[proposal.kind].barred(proposal.change))
        return why_not(person, proposal, voters) is None

    person = User.objects.prefetch_related("groups").get(pk=person.pk)
    in_review = _listed().filter(state="IN_REVIEW", valid_until__gt=now).order_by("-pk")
    to_vote = [
        one for one in in_review if (one.pk, one.revision) not in mine and votes_on(one, one.required.get("roles", ()))
    ]
    unreviewed = _listed().filter(review_due_at__isnull=False, reviewed_at__isnull=True).order_by("review_due_at")
    to_review = [one for one in unreviewed if votes_on(one, policy.classes["increasing"].roles)]
    coming = _listed().filter(state="APPROVED").order_by("not_before")[:SHOWN]
    return Inbox(_lines(to_vote[:SHOWN]), _lines(to_review[:SHOWN]), _lines(_own(person)), _lines(coming))


def proposals(
    *, state: str = "", kind: str = "", market: str = "", before: int | None = None
) -> tuple[ProposalLine, ...]:
    """Newest first, a page of them: those with ids below `before`."""
    found = _listed().order_by("-pk")
    if state:
        found = found.filter(state=state)
    if kind:
        found = found.filter(kind=kind)
    if market:
        found = found.filter(change__markets__has_key=market)
    if before is not None:
        found = found.filter(pk__lt=before)
    return _lines(found[:PAGE])


def control_proposals(now: datetime) -> dict[tuple[str, str], tuple[ProposalLine, ...]]:
    """By scope and rule, the proposals to end what stands there that are in review or approved, newest first."""
    waiting = _listed().filter(kind="control", state__in=("IN_REVIEW", "APPROVED"), valid_until__gt=now).order_by("-pk")
    found: dict[tuple[str, str], tuple[ProposalLine, ...]] = {}
    for line in _lines(waiting[:PAGE]):
        _, scope, rule = line.subject.split(":", 2)
        found[scope, rule] = (*found.get((scope, rule), ()), line)
    return found


def recently_decided(limit: int = 10) -> tuple[ProposalLine, ...]:
    """What came to its end, newest first."""
    return _lines(_listed().filter(state__in=TERMINAL).order_by("-pk")[:limit])


def versions(market: str, limit: int = 100) -> list[dict[str, Any]]:
    """Versions of a market's parameters, newest first, each with the proposal that made it (None for genesis).

    Raises `ReviewRefused` where there is no such market.
    """
    market_named(market)
    rows = parameter_versions(market, limit)
    for row in rows:
        word, _, number = row["authorised_by"].partition(":")
        row["proposal"] = int(number) if word == "proposal" and number.isdecimal() else None
    return rows


def compare(market: str, a: int, b: int) -> list[DiffRow]:
    """What differs between two versions, from `a` to `b`, in the schema's order. Raises `ReviewRefused`."""
    market_named(market)
    return diff_of_values(market, values_of_version(market, a), values_of_version(market, b))


def _listed() -> QuerySet[Proposal]:
    return Proposal.objects.defer(*_UNSHOWN)


def _own(person: User) -> QuerySet[Proposal]:
    return _listed().filter(proposer=person, state__in=OPEN).order_by("-pk")[:SHOWN]


def _lines(found: Iterable[Proposal]) -> tuple[ProposalLine, ...]:
    listed = list(found)
    counted = (
        Vote.objects.filter(proposal__in=[one.pk for one in listed], choice="approve")
        .values_list("proposal_id", "revision")
        .annotate(n=Count("pk"))
    )
    given = {(proposal, revision): n for proposal, revision, n in counted}
    return tuple(_line(one, given.get((one.pk, one.revision), 0)) for one in listed)


def _line(proposal: Proposal, given: int) -> ProposalLine:
    return ProposalLine(
        proposal.pk,
        proposal.kind,
        proposal.subject,
        proposal.title,
        str(proposal.state),
        proposal.risk_class,
        proposal.proposer_name,
        proposal.is_demo,
        given,
        int(proposal.required.get("quorum", 0)),
        proposal.created_at,
        proposal.not_before,
        proposal.valid_until,
        proposal.review_due_at,
    )
