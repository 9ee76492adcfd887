"""Making an approved change so: everything is asked again inside the transaction, and never before its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.access.roles import Role, has_role
from governance.alerts import notify
from governance.database_time import database_time
from governance.models import Proposal, User, Vote
from governance.review.checks import (
    electorate,
    needed_now,
    refuse_if_overdue,
    refuse_if_stale,
    refuse_if_tampered,
    require_own,
    require_role,
)
from governance.review.eligibility import approvals
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Kind
from governance.review.locks import lock_people, lock_proposals
from governance.review.once import done_already, once_on, reason_of
from governance.review.policies import policy_in_force
from governance.review.policy import Requirement
from governance.review.registry import kind_named
from governance.review.step_up import StepUp, require_if_asked_for, signature_holds
from governance.review.transitions import SYSTEM, require_step, step
from trading.controls.commands import Actor, ControlRefused

log = structlog.get_logger(__name__)

# Kinds whose proposal is applied before the thing itself: new rules must not be what their own proposal is judged by.
STATE_FIRST: Final = frozenset({"policy"})


def apply(proposal_id: int, *, now: datetime, actor: Actor = SYSTEM) -> Proposal:
    """Apply an approved proposal whose time has come; who asks does not matter, since everything is checked here.

    Afterwards it is APPLIED, FAILED (`failure` says why; nothing of the change was made) or EXPIRED. Raises `ReviewRefused`
    and changes nothing where it is not approved, too early, or must wait for an overdue review. The database's clock judges; a
    `now` behind it only makes the change wait.
    """
    with transaction.atomic():
        proposal = _locked(proposal_id)
        require_step(proposal, "apply")
        at = database_time()
        if proposal.valid_until is None or at >= proposal.valid_until:
            return step(proposal, "expire", actor=actor, now=at, reason="not applied in time")
        kind = kind_named(proposal.kind)
        _refuse_if_early(proposal, proposal.not_before, min(now, at))
        refuse_if_overdue(proposal, kind, at)
        try:
            with transaction.atomic():
                return _carry_out(proposal, kind, actor, at)
        except (ReviewRefused, ControlRefused) as refused:
            return _fail(proposal, refused.code, str(refused), actor, at)
        except DatabaseError as problem:
            # A guard's refusal: the savepoint took everything of the change back.
            log.warning("proposal_refused_by_database", proposal=proposal.pk, problem=str(problem))
            return _fail(proposal, "database_refused", str(problem).split("\n")[0], actor, at)


def apply_at_once(
    person: User, proposal_id: int, *, key: str, now: datetime, step_up: StepUp | None = None
) -> Proposal:
    """The proposer applies a draft that only makes things safer; it must be looked at within a day. Raises `ReviewRefused`.

    Some kinds ask for a fresh second factor (`step_up.STEP_UP_AT_ONCE`).
    """

    def work(proposal: Proposal) -> Proposal:
        return carry_out_at_once(proposal, person, now, step_up)

    return once_on("apply_at_once", key, [], actor_of(person), now, proposal_id, work)


def applied_already(person: User, proposal_id: int, *, key: str) -> bool:
    """The same command with the same key was carried out before: no second factor is needed again.

    Raises `ReviewRefused` ("key_used")."""
    return done_already("apply_at_once", key, proposal_id, [], actor_of(person)) is not None


def carry_out_at_once(proposal: Proposal, person: User, now: datetime, step_up: StepUp | None = None) -> Proposal:
    """In the caller's transaction, with the proposal's row locked or just made. Raises `ReviewRefused`."""
    require_own(person, proposal)
    require_step(proposal, "apply_at_once")
    kind = kind_named(proposal.kind)
    kind.lock(proposal)
    # Somebody else may have closed the person's account, or taken their role, while this waited for the rows.
    person.refresh_from_db(fields=["is_active"])
    require_own(person, proposal)
    needed = needed_now(proposal, kind, policy_in_force(), now)
    if needed.quorum > 0 or needed.review_within_s <= 0:
        raise ReviewRefused("needs_review", _("This does not only make things safer: others must approve it first."))
    require_if_asked_for(proposal.kind, step_up, now)
    refuse_if_tampered(proposal)
    refuse_if_stale(proposal, kind)
    try:
        with transaction.atomic():
            kind.apply(Applying(proposal, person, (), now))
    except DatabaseError as problem:
        raise ReviewRefused("database_refused", str(problem).split("\n")[0]) from problem
    due = now + timedelta(seconds=needed.review_within_s)
    actor = actor_of(person)
    return step(
        proposal, "apply_at_once", actor=actor, now=now, applied_at=now, applied_by_name=actor.name, review_due_at=due
    )


def schedule(person: User, proposal_id: int, at: datetime, *, key: str, now: datetime) -> Proposal:
    """The proposer lets an approved change wait until `at`, within its validity; never earlier than its timelock.

    Raises `ReviewRefused`.
    """

    def work(proposal: Proposal) -> Proposal:
        require_own(person, proposal)
        require_step(proposal, "apply")
        earliest, until = proposal.not_before, proposal.valid_until
        if earliest is None or until is None or not max(now, earliest) <= at < until:
            raise ReviewRefused("bad_time", _("Choose a time after the timelock and before it expires."))
        proposal.scheduled_for = at
        proposal.save(update_fields=["scheduled_for"])
        notify("proposal.scheduled", proposal, {"at": at}, actor=actor_of(person), now=now)
        return proposal

    return once_on("schedule", key, [at.isoformat()], actor_of(person), now, proposal_id, work)


def cancel(person: User, proposal_id: int, reason: str, *, key: str, now: datetime) -> Proposal:
    """The guardian stops any open proposal; a guardian never approves. Raises `ReviewRefused`."""
    text = reason_of(reason)

    def work(proposal: Proposal) -> Proposal:
        require_role(person, [Role(policy_in_force().guardian_role)])
        return step(proposal, "cancel", actor=actor_of(person), now=now, reason=text)

    return once_on("cancel", key, [text], actor_of(person), now, proposal_id, work)


def _locked(proposal_id: int) -> Proposal:
    found = lock_proposals([proposal_id])
    if not found:
        raise ReviewRefused("unknown", _("There is no such proposal."))
    return found[0]


def _refuse_if_early(proposal: Proposal, not_before: datetime | None, now: datetime) -> None:
    if not_before is None or now < max(not_before, proposal.scheduled_for or not_before):
        raise ReviewRefused("too_early", _("Its time has not come yet."))


def _carry_out(proposal: Proposal, kind: Kind, actor: Actor, now: datetime) -> Proposal:
    """Every condition again, then the change itself. Raises `ReviewRefused`, `ControlRefused`, `DatabaseError`."""
    applying = _asked_again(proposal, kind, now)
    if kind.name not in STATE_FIRST:
        kind.apply(applying)
    step(proposal, "apply", actor=actor, now=now, applied_at=now, applied_by_name=actor.name)
    if kind.name in STATE_FIRST:
        kind.apply(applying)
    return proposal


def _asked_again(proposal: Proposal, kind: Kind, now: datetime) -> Applying:
    voters = Vote.objects.filter(proposal=proposal, revision=proposal.revision).values_list("voter_id", flat=True)
    about = User.objects.filter(username__in=kind.barred(proposal.change)).values_list("pk", flat=True)
    people = {one.pk: one for one in lock_people([proposal.proposer_id, *voters, *about])}
    kind.lock(proposal)
    refuse_if_tampered(proposal)
    refuse_if_stale(proposal, kind)
    proposer = people[proposal.proposer_id]
    if not has_role(proposer, *kind.proposer_roles):
        raise ReviewRefused("proposer_gone", _("Who proposed this may not do so any more."))
    policy = policy_in_force()
    needed = needed_now(proposal, kind, policy, now)
    counted = approvals(proposal, electorate(proposal, kind, policy, needed))
    votes = [vote for vote in counted if signature_holds(vote)]
    if len(votes) < max(needed.quorum, 1):
        message = _("%(count)s of %(quorum)s approvals still count.")
        raise ReviewRefused("quorum_lost", message % {"count": len(votes), "quorum": needed.quorum})
    decided = proposal.decided_at
    if decided is None or now < (not_before := may_apply_from(proposal, decided, needed)):
        raise ReviewRefused("timelock", _("The timelock in force is longer than the one it was approved with."))
    if now >= not_before + timedelta(seconds=needed.valid_s):
        raise ReviewRefused("expired", _("Its time is over: propose it again."))
    return Applying(proposal, proposer, tuple(vote.voter for vote in votes), now)


def may_apply_from(proposal: Proposal, decided: datetime, needed: Requirement) -> datetime:
    """When it may be applied: after the timelock, and not before the time that it waits for."""
    after_timelock = decided + timedelta(seconds=needed.timelock_s)
    return max(after_timelock, proposal.scheduled_for or after_timelock)


def _fail(proposal: Proposal, code: str, message: str, actor: Actor, now: datetime) -> Proposal:
    proposal.refresh_from_db()
    failure = f"{code}: {message}"[:2000]
    return step(proposal, "fail", actor=actor, now=now, reason=failure, failure=failure)
