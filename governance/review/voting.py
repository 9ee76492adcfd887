"""Voting on a proposal, and looking at a reducing change afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.access.actors import actor_of
from governance.access.roles import roles_of
from governance.access.second_factor import Method
from governance.alerts import notify
from governance.database_time import either_reached
from governance.models import Proposal, User, Vote
from governance.review.applying import apply, may_apply_from
from governance.review.checks import (
    electorate,
    needed_now,
    refuse_if_overdue,
    refuse_if_stale,
    refuse_if_tampered,
    reviewers,
)
from governance.review.eligibility import NEEDS_KEY, Electorate, approvals, why_not
from governance.review.errors import ReviewRefused
from governance.review.locks import lock_people
from governance.review.once import done_already, once_on, reason_of
from governance.review.policies import policy_in_force
from governance.review.registry import kind_named
from governance.review.step_up import StepUp, require_step_up
from governance.review.transitions import require_step, step

log = structlog.get_logger(__name__)

# How much later than the caller's time the database may have dated the approval.
MOMENT: Final = timedelta(seconds=1)
# The words of `VoteChoice`.
APPROVE, REJECT, REQUEST_CHANGES, REVIEWED = "approve", "reject", "request_changes", "reviewed"

WHY_NOT: Final = {
    "own_proposal": gettext_noop("You proposed this yourself: others decide."),
    "inactive": gettext_noop("This account is closed."),
    "about_you": gettext_noop("This is about you: others decide."),
    "guardian": gettext_noop("A guardian may cancel, never vote."),
    "no_role": gettext_noop("You are not among those who vote on this."),
    "joined_after": gettext_noop("Your account was made after this proposal: others decide."),
    "role_after": gettext_noop("Your roles changed after this proposal was made: others decide."),
    "credentials_after": gettext_noop("Your credentials changed after this proposal was made: others decide."),
    "opened_after": gettext_noop("Your account was opened again after this proposal was made: others decide."),
    NEEDS_KEY: gettext_noop("The rules ask for a security key here: a code does not count."),
}


def vote(
    person: User,
    proposal_id: int,
    choice: str,
    content_hash: str,
    reason: str,
    step_up: StepUp | None,
    *,
    key: str,
    now: datetime,
) -> Proposal:
    """Approve, reject or request changes of exactly the content of that hash. The vote that makes the quorum approves the
    proposal; where nothing has to be waited for it is applied at once. Raises `ReviewRefused`, which changed nothing.

    Without `step_up` only what the same `key` did before is told again.
    """
    if choice not in (APPROVE, REJECT, REQUEST_CHANGES):
        raise ReviewRefused("bad_choice", _("Approve, reject, or request changes."))
    text = _vote_reason(choice, reason)
    if step_up is not None:
        require_step_up(step_up, now)
    known = Proposal.objects.filter(pk=proposal_id, state="IN_REVIEW", valid_until__gt=either_reached(now)).first()
    if known is not None and choice == APPROVE:
        # May ask the hot state for seconds: before any row is locked. What is over is refused below.
        kind_named(known.kind).ready(known.change, now)

    def work(proposal: Proposal) -> Proposal:
        return _vote(person, proposal, choice, content_hash, text, require_step_up(step_up, now), now)

    done = once_on("vote", key, [choice, content_hash, text], actor_of(person), now, proposal_id, work)
    return _apply_if_due(done, now)


def voted_already(person: User, proposal_id: int, choice: str, content_hash: str, reason: str, *, key: str) -> bool:
    """The same vote with the same key was taken before: sent twice, and no second factor is needed again.

    Raises `ReviewRefused` ("key_used")."""
    arguments = [choice, content_hash, _vote_reason(choice, reason)]
    return done_already("vote", key, proposal_id, arguments, actor_of(person)) is not None


def reviewed_already(person: User, proposal_id: int, reason: str, *, key: str) -> bool:
    """As `voted_already`, of a review afterwards."""
    return done_already("review", key, proposal_id, [reason_of(reason)], actor_of(person)) is not None


def changed_since() -> str:
    """What somebody is told who votes on other content than there is."""
    return _("The proposal was changed since you looked: read it again.")


def _vote_reason(choice: str, reason: str) -> str:
    """An approval needs no reason."""
    return reason_of(reason) if choice != APPROVE or reason.strip() else ""


def _vote(
    person: User, proposal: Proposal, choice: str, content_hash: str, reason: str, shown: StepUp, now: datetime
) -> Proposal:
    voter = lock_people([person.pk])[0]
    kind, policy = kind_named(proposal.kind), policy_in_force()
    needed = needed_now(proposal, kind, policy, now)
    voters = electorate(proposal, kind, policy, needed)
    _refuse_unless_may_vote(voter, proposal, voters)
    _refuse_if_narrowed(person, voters)
    _refuse_unless_by_key(shown, voters)
    require_step(proposal, "approve")
    _refuse_unless_current(proposal, content_hash, now)
    if choice == APPROVE:
        refuse_if_stale(proposal, kind)
        refuse_if_overdue(proposal, kind, now)
    _write(voter, proposal, choice, reason, shown, now)
    actor = actor_of(voter)
    if choice != APPROVE:
        decided = {"decided_at": now} if choice == REJECT else {}
        return step(proposal, choice, actor=actor, now=now, reason=reason, **decided)
    if len(approvals(proposal, voters)) < max(needed.quorum, 1):
        return proposal
    not_before = may_apply_from(proposal, now, needed)
    until = not_before + timedelta(seconds=needed.valid_s)
    return step(
        proposal,
        "approve",
        actor=actor,
        now=now,
        reason=reason,
        decided_at=now,
        not_before=not_before,
        valid_until=until,
    )


def review_reducing(
    person: User, proposal_id: int, reason: str, step_up: StepUp | None, *, key: str, now: datetime
) -> Proposal:
    """Another person has looked at a change that was applied at once. Raises `ReviewRefused`."""
    text = reason_of(reason)

    def work(proposal: Proposal) -> Proposal:
        shown = require_step_up(step_up, now)
        voter = lock_people([person.pk])[0]
        kind, policy = kind_named(proposal.kind), policy_in_force()
        voters = reviewers(proposal, kind, policy)
        _refuse_unless_may_vote(voter, proposal, voters)
        _refuse_if_narrowed(person, voters)
        _refuse_unless_by_key(shown, voters)
        if proposal.review_due_at is None or proposal.reviewed_at is not None:
            raise ReviewRefused("bad_state", _("There is nothing to review afterwards."))
        _write(voter, proposal, REVIEWED, text, shown, now)
        proposal.reviewed_at, proposal.reviewed_by_name = now, actor_of(voter).name
        proposal.save(update_fields=["reviewed_at", "reviewed_by_name"])
        notify("proposal.reviewed", proposal, {"reason": text}, actor=actor_of(voter), now=now)
        return proposal

    return once_on("review", key, [text], actor_of(person), now, proposal_id, work)


def _refuse_unless_may_vote(voter: User, proposal: Proposal, voters: Electorate) -> None:
    if (code := why_not(voter, proposal, voters)) is not None:
        raise ReviewRefused(code, _(WHY_NOT[code]))


def _refuse_if_narrowed(person: User, voters: Electorate) -> None:
    """A token or a link lets its person act in some of their roles only."""
    if roles_of(person).isdisjoint(voters.roles):
        code = "no_role"
        raise ReviewRefused(code, _(WHY_NOT[code]))


def _refuse_unless_by_key(shown: StepUp, voters: Electorate) -> None:
    if voters.demands_security_key and shown.method != Method.WEBAUTHN.value:
        raise ReviewRefused(NEEDS_KEY, _(WHY_NOT[NEEDS_KEY]))


def _refuse_unless_current(proposal: Proposal, content_hash: str, now: datetime) -> None:
    if proposal.valid_until is None or either_reached(now) >= proposal.valid_until:
        raise ReviewRefused("expired", _("Its time is over: propose it again."))
    if content_hash != proposal.content_hash:
        raise ReviewRefused("content_changed", changed_since())
    refuse_if_tampered(proposal)


def _write(voter: User, proposal: Proposal, choice: str, reason: str, shown: StepUp, now: datetime) -> None:
    if Vote.objects.filter(proposal=proposal, revision=proposal.revision, voter=voter).exists():
        raise ReviewRefused("already_voted", _("You have already voted on this."))
    actor = actor_of(voter)
    Vote.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        voter=voter,
        voter_name=actor.name,
        choice=choice,
        content_hash=proposal.content_hash,
        reason=reason,
        voted_at=now,
        method=shown.method,
        assertion=shown.assertion,
    )
    if choice != REVIEWED:
        notify("proposal.voted", proposal, {"choice": choice, "reason": reason}, actor=actor, now=now)


def _apply_if_due(proposal: Proposal, now: datetime) -> Proposal:
    """Where there is nothing to wait for, the approval takes effect with the vote, in a transaction of its own."""
    if proposal.state != "APPROVED" or proposal.not_before is None or now + MOMENT < proposal.not_before:
        return proposal
    try:
        return apply(proposal.pk, now=max(now, proposal.not_before))
    except ReviewRefused as refused:
        # Approved all the same; the clockwork tries again until it expires.
        log.info("approved_but_waits", proposal=proposal.pk, code=refused.code)
        return Proposal.objects.get(pk=proposal.pk)
