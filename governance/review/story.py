"""Everything about one proposal: for its page, and as JSON for whoever audits it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from governance.alerts import aggregate
from governance.models import (
    Proposal,
    ProposalComment,
    ProposalPreview,
    ProposalTransition,
    ReviewPolicy,
    User,
    Vote,
)
from governance.review.canonical import content_hash, digest
from governance.review.checks import electorate, needed_now, reviewers
from governance.review.eligibility import NEEDS_KEY, Electorate, has_key, may_still_vote, why_not, why_void
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import DiffRow, Kind
from governance.review.policies import policy_in_force
from governance.review.policy import Requirement
from governance.review.registry import kind_named
from governance.review.states import OPEN
from trading.events.services import plain
from trading.models import Event, ParameterSet


@dataclass(frozen=True, slots=True)
class CastVote:
    """A vote; `void` is the coded reason why an approval does not count (any more), "" where it does."""

    voter_name: str
    choice: str
    reason: str
    voted_at: datetime
    method: str
    revision: int
    content_hash: str
    void: str


@dataclass(frozen=True, slots=True)
class Countdown:
    """What time does next to the proposal: "applies", "expires" or "review_due", and in how many seconds (0: any moment)."""

    what: str
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a proposal's page shows. `needed` is None where no policy can be read; `is_stale`: its base moved."""

    proposal: Proposal
    diff: tuple[DiffRow, ...]
    needed: Requirement | None
    votes: tuple[CastVote, ...]
    approvals: int
    may_still_vote: tuple[str, ...]
    countdown: Countdown | None
    is_stale: bool
    rivals: tuple[int, ...]
    comments: tuple[ProposalComment, ...]
    history: tuple[ProposalTransition, ...]
    preview: ProposalPreview | None


def proposal_story(proposal_id: int, now: datetime) -> Story:
    """Raises `ReviewRefused` ("unknown")."""
    proposal = _found(proposal_id)
    kind = kind_named(proposal.kind)
    needed, votes, able = _votes(proposal, kind, now)
    given = sum(vote.choice == "approve" and not vote.void for vote in votes)
    previews = proposal.previews.filter(hash=proposal.preview_hash).order_by("-pk")
    return Story(
        proposal,
        tuple(kind.diff(proposal.change, proposal.base)),
        needed,
        votes,
        given,
        able if proposal.state == "IN_REVIEW" else (),
        _countdown(proposal, now),
        proposal.state in OPEN and kind.base(proposal.change) != proposal.base,
        _rivals(proposal),
        tuple(proposal.comments.order_by("pk")),
        tuple(proposal.transitions.order_by("pk")),
        previews.first() if proposal.preview_hash else None,
    )


def why_may_not_vote(person: User, proposal: Proposal, now: datetime) -> str | None:
    """The coded reason for which the person's vote would be refused now; None where it would count."""
    if proposal.state != "IN_REVIEW":
        return "bad_state"
    kind = kind_named(proposal.kind)
    try:
        policy = policy_in_force()
        voters = electorate(proposal, kind, policy, needed_now(proposal, kind, policy, now))
    except ReviewRefused as refused:
        return refused.code
    if Vote.objects.filter(proposal=proposal, revision=proposal.revision, voter=person).exists():
        return "already_voted"
    return _why_not(person, proposal, voters)


def why_may_not_review(person: User, proposal: Proposal) -> str | None:
    """The coded reason for which the person's review afterwards would be refused; None where it would count."""
    if proposal.review_due_at is None or proposal.reviewed_at is not None:
        return "bad_state"
    try:
        policy = policy_in_force()
    except ReviewRefused as refused:
        return refused.code
    return _why_not(person, proposal, reviewers(proposal, kind_named(proposal.kind), policy))


def needs_key_afterwards(proposal: Proposal) -> bool:
    """Whether the rules in force ask who looks at it afterwards for a security key; False where nobody is to look."""
    if proposal.review_due_at is None or proposal.reviewed_at is not None:
        return False
    try:
        return policy_in_force().classes["increasing"].demands_security_key
    except ReviewRefused:
        return False


def _why_not(person: User, proposal: Proposal, voters: Electorate) -> str | None:
    """Of one person: whether they have the key that the rules ask for, too."""
    code = why_not(person, proposal, voters)
    return NEEDS_KEY if code is None and voters.demands_security_key and not has_key(person) else code


def export_story(proposal_id: int) -> dict[str, Any]:
    """The whole story as plain JSON, with everything needed to compute its content hash again. Raises `ReviewRefused`.

    `sha256` covers the rest in canonical JSON (`governance.review.canonical`).
    """
    proposal = _found(proposal_id)
    policy = ReviewPolicy.objects.filter(version=proposal.policy_version).values("version", "body", "body_hash").first()
    hashed = content_hash(proposal.kind, proposal.subject, proposal.change, proposal.base, proposal.policy_version)
    diff = kind_named(proposal.kind).diff(proposal.change, proposal.base)
    made: Any = ParameterSet.history.filter(authorised_by=f"proposal:{proposal.pk}").order_by("market_id")
    body = {
        "proposal": _row(proposal),
        "content_hash_recomputed": hashed,
        "policy": policy,
        "diff": [asdict(row) for row in diff],
        "votes": [_row(one) for one in proposal.votes.order_by("pk")],
        "transitions": [_row(one) for one in proposal.transitions.order_by("pk")],
        "comments": [_row(one) for one in proposal.comments.order_by("pk")],
        "previews": [_row(one) for one in proposal.previews.order_by("pk")],
        "versions_made": list(made.values("market__slug", "version", "values_hash", "applied_at")),
        "events": list(
            Event.objects.filter(aggregate=aggregate(proposal.pk))
            .order_by("aggregate_seq")
            .values("aggregate_seq", "type", "payload", "actor_id", "actor_name", "occurred_at")
        ),
    }
    story: dict[str, Any] = plain(body)
    return story | {"sha256": digest(story)}


def _found(proposal_id: int) -> Proposal:
    proposal = Proposal.objects.filter(pk=proposal_id).first()
    if proposal is None:
        raise ReviewRefused("unknown", _("There is no such proposal."))
    return proposal


def _votes(
    proposal: Proposal, kind: Kind, now: datetime
) -> tuple[Requirement | None, tuple[CastVote, ...], tuple[str, ...]]:
    """What it needs now, every vote with whether it counts, and who may still vote."""
    cast = proposal.votes.prefetch_related(Prefetch("voter", User.objects.prefetch_related("groups"))).order_by("pk")
    try:
        policy = policy_in_force()
        needed = needed_now(proposal, kind, policy, now)
    except ReviewRefused as refused:
        return None, tuple(_cast(vote, refused.code) for vote in cast), ()
    voters = electorate(proposal, kind, policy, needed)

    def void(vote: Vote) -> str:
        if vote.revision != proposal.revision or vote.content_hash != proposal.content_hash:
            return "other_content"
        # What is settled stays settled: whose role changed afterwards does not unsay the vote.
        return "" if proposal.state not in OPEN else why_void(vote, proposal, voters) or ""

    able = tuple(one.get_full_name() or one.get_username() for one in may_still_vote(proposal, voters))
    return needed, tuple(_cast(vote, void(vote)) for vote in cast), able


def _cast(vote: Vote, void: str) -> CastVote:
    return CastVote(
        vote.voter_name, vote.choice, vote.reason, vote.voted_at, vote.method, vote.revision, vote.content_hash, void
    )


def _countdown(proposal: Proposal, now: datetime) -> Countdown | None:
    what, at = "", None
    if proposal.state == "APPROVED" and proposal.not_before is not None:
        what, at = "applies", max(proposal.not_before, proposal.scheduled_for or proposal.not_before)
    elif proposal.state in ("IN_REVIEW", "CHANGES_REQUESTED"):
        what, at = "expires", proposal.valid_until
    elif proposal.review_due_at is not None and proposal.reviewed_at is None:
        what, at = "review_due", proposal.review_due_at
    return None if at is None else Countdown(what, at, max(0.0, (at - now).total_seconds()))


def _rivals(proposal: Proposal) -> tuple[int, ...]:
    """Other open proposals that start from one of the same parts: whichever is applied first makes the others stale."""
    if proposal.state not in OPEN:
        return ()
    others = Proposal.objects.filter(kind=proposal.kind, state__in=OPEN, base__has_any_keys=list(proposal.base))
    return tuple(others.exclude(pk=proposal.pk).order_by("pk").values_list("pk", flat=True))


def _row(model: Any) -> dict[str, Any]:
    return {field.attname: getattr(model, field.attname) for field in model._meta.concrete_fields}
