"""Making, editing and submitting proposals, taking them back, and talking about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.access.actors import actor_of, name_of
from governance.access.roles import STAFF_ROLES
from governance.alerts import notify
from governance.models import Proposal, ProposalComment, User
from governance.review.applying import carry_out_at_once
from governance.review.canonical import content_hash
from governance.review.checks import (
    electorate,
    needed_now,
    refuse_if_overdue,
    refuse_if_stale,
    require_own,
    require_role,
)
from governance.review.eligibility import approvals, may_still_vote
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Kind
from governance.review.kinds.people import refuse_about_oneself
from governance.review.once import once, once_on, reason_of
from governance.review.policies import policy_in_force
from governance.review.policy import Policy
from governance.review.previewing import require_fresh_preview
from governance.review.registry import kind_named
from governance.review.states import OPEN
from governance.review.transitions import SYSTEM, record_step, require_step, step

COMMENT_MAX: Final = 2000
# Kinds about what stands now: asked again rather than voted on later. The database holds the same (guards/controls.sql).
DECIDED_WITHIN: Final = {"control": timedelta(minutes=30)}


def propose(
    person: User,
    kind: str,
    subject: str | None,
    change: Any,
    reason: str,
    *,
    key: str,
    now: datetime,
    title: str = "",
    apply_at_once: bool = False,
    submit_at_once: bool = False,
    replaces: int | None = None,
    rolls_back_to: str | None = None,
    is_demo: bool = False,
    scheduled_for: datetime | None = None,
) -> Proposal:
    """A draft; with `apply_at_once` a reducing change is applied in the same transaction and its review falls due, with
    `submit_at_once` it goes into review in the same transaction, unless the same is in review or approved already.

    `subject` None takes the kind's own; another than that is refused, so that a change cannot land elsewhere than its door said.
    `replaces` names an own open proposal, which this supersedes. With `scheduled_for` it is not applied before that time,
    whenever it is approved. Raises `ReviewRefused`.
    """
    wanted, text = kind_named(kind), reason_of(reason)

    def work() -> Proposal:
        require_role(person, wanted.proposer_roles)
        draft = Proposal(kind=kind, title=title, reason=text, rolls_back_to=rolls_back_to, is_demo=is_demo)
        draft.scheduled_for = scheduled_for
        proposal = _written(draft, person, subject, change, now)
        if replaces is not None:
            _supersede(person, replaces, proposal, now)
        if submit_at_once:
            return _submit_first(person, proposal, wanted, now)
        return carry_out_at_once(proposal, person, now) if apply_at_once else proposal

    asked = ["submit_at_once"] if submit_at_once else []
    arguments = [kind, subject, repr(change), text, apply_at_once, replaces, rolls_back_to, *asked]
    if replaces is None:
        return once("propose", key, arguments, actor_of(person), now, work)
    return once_on("propose", key, arguments, actor_of(person), now, replaces, lambda _old: work())


def _written(draft: Proposal, person: User, subject: str | None, change: Any, now: datetime) -> Proposal:
    """The draft of that person with its content, in the database, as the first step of its history. Raises `ReviewRefused`."""
    draft.proposer, draft.proposer_name, draft.created_at = person, name_of(person), now
    own_title = draft.title.strip()[:200]
    _fill(draft, kind_named(draft.kind), policy_in_force(), change, now)
    draft.title = own_title or draft.title
    if subject is not None and subject != draft.subject:
        raise ReviewRefused("wrong_subject", _("The change is about “%(is)s”.") % {"is": draft.subject})
    draft.save()
    draft.refresh_from_db()
    record_step(draft, "", "make", actor=actor_of(person), now=now, reason=draft.reason)
    return draft


def edit(person: User, proposal_id: int, change: Any, reason: str, *, key: str, now: datetime) -> Proposal:
    """Back to a draft with other content, on what is in force now: votes and preview are void. Raises `ReviewRefused`."""
    text = reason_of(reason)

    def work(proposal: Proposal) -> Proposal:
        require_own(person, proposal)
        _refuse_ended(proposal, now)
        void = {"submitted_at": None, "valid_until": None, "preview_hash": "", "preview_at": None}
        before = str(proposal.state)
        require_step(proposal, "edit")
        if before != "DRAFT":
            proposal.state = "DRAFT"
            proposal.save(update_fields=["state"])
        _fill(proposal, kind_named(proposal.kind), policy_in_force(), change, now)
        proposal.reason, proposal.revision = text, proposal.revision + 1
        for name, value in void.items():
            setattr(proposal, name, value)
        proposal.save()
        record_step(proposal, before, "edit", actor=actor_of(person), now=now, reason=text)
        return proposal

    return once_on("edit", key, [repr(change), text], actor_of(person), now, proposal_id, work)


def submit(person: User, proposal_id: int, *, key: str, now: datetime) -> Proposal:
    """Into review, where others vote on exactly this content. Raises `ReviewRefused`."""

    def work(proposal: Proposal) -> Proposal:
        return _submit(person, proposal, now)

    return once_on("submit", key, [], actor_of(person), now, proposal_id, work)


def _submit(person: User, proposal: Proposal, now: datetime) -> Proposal:
    """In the caller's transaction, with the proposal's row locked or just made. Raises `ReviewRefused`."""
    require_own(person, proposal)
    require_step(proposal, "submit")
    kind, policy = kind_named(proposal.kind), policy_in_force()
    if policy.version != proposal.policy_version:
        raise ReviewRefused("stale_policy", _("The review policy has changed since: edit the proposal first."))
    if needed_now(proposal, kind, policy, now).quorum == 0:
        raise ReviewRefused("applies_at_once", _("This only makes things safer: apply it at once."))
    refuse_if_stale(proposal, kind)
    refuse_if_overdue(proposal, kind, now)
    require_fresh_preview(proposal, policy, now)
    within = timedelta(seconds=policy.in_review_valid_s)
    until = now + min(within, DECIDED_WITHIN.get(proposal.kind, within))
    step(proposal, "submit", actor=actor_of(person), now=now, submitted_at=now, valid_until=until)
    tell_if_too_few(proposal, now)
    return proposal


def _submit_first(person: User, proposal: Proposal, kind: Kind, now: datetime) -> Proposal:
    """Into review, unless others have asked for the same already. Raises `ReviewRefused`."""
    kind.lock(proposal)
    _refuse_if_asked(proposal, now)
    return _submit(person, proposal, now)


def _refuse_if_asked(proposal: Proposal, now: datetime) -> None:
    """One question at a time: what waits about the same, as it stands, is voted on first. The caller holds what it is about."""
    same = Proposal.objects.filter(subject=proposal.subject, base=proposal.base, valid_until__gt=now)
    waiting = same.filter(state__in=("IN_REVIEW", "APPROVED")).order_by("pk").first()
    if waiting is not None:
        message = _("%(name)s has already asked for this: proposal %(number)s.")
        raise ReviewRefused("already_asked", message % {"name": waiting.proposer_name, "number": waiting.pk})


def withdraw(person: User, proposal_id: int, reason: str, *, key: str, now: datetime) -> Proposal:
    """The proposer takes it back. Raises `ReviewRefused`."""
    text = reason_of(reason)

    def work(proposal: Proposal) -> Proposal:
        require_own(person, proposal)
        return step(proposal, "withdraw", actor=actor_of(person), now=now, reason=text)

    return once_on("withdraw", key, [text], actor_of(person), now, proposal_id, work)


def comment(person: User, proposal_id: int, text: str, *, key: str, now: datetime) -> Proposal:
    """A word in the discussion, by anybody on the staff, in any state. Raises `ReviewRefused`."""
    said = text.strip()
    if not said or len(said) > COMMENT_MAX or "\x00" in said:
        raise ReviewRefused("bad_comment", _("A comment has 1 to 2000 characters."))

    def work(proposal: Proposal) -> Proposal:
        require_role(person, STAFF_ROLES)
        actor = actor_of(person)
        ProposalComment.objects.create(proposal=proposal, author=person, author_name=actor.name, text=said, at=now)
        notify("proposal.commented", proposal, {"text": said}, actor=actor, now=now)
        return proposal

    return once_on("comment", key, [said], actor_of(person), now, proposal_id, work)


def tell_if_too_few(proposal: Proposal, now: datetime) -> bool:
    """Alert where fewer people may vote than the quorum needs; True if so."""
    kind, policy = kind_named(proposal.kind), policy_in_force()
    needed = needed_now(proposal, kind, policy, now)
    voters = electorate(proposal, kind, policy, needed)
    able = len(approvals(proposal, voters)) + len(may_still_vote(proposal, voters))
    if able >= needed.quorum:
        return False
    notify("proposal.voters_missing", proposal, {"able": able, "quorum": needed.quorum}, actor=SYSTEM, now=now)
    return True


def _fill(proposal: Proposal, kind: Kind, policy: Policy, change: Any, now: datetime) -> None:
    """Content, hash, class and what it needs, from the change as a door sent it."""
    proposal.change = kind.canonical(change)
    refuse_about_oneself(proposal.proposer, kind, proposal.change)
    proposal.subject = kind.subject(proposal.change)
    if len(proposal.subject) > 200:
        raise ReviewRefused("bad_change", _("Too much for one proposal."))
    proposal.title = kind.title(proposal.change)
    proposal.base = kind.base(proposal.change)
    proposal.policy_version = policy.version
    proposal.content_hash = content_hash(
        proposal.kind, proposal.subject, proposal.change, proposal.base, policy.version
    )
    risk = kind.risk(proposal.change, policy, now)
    proposal.risk_class, proposal.risk_reasons = risk.risk_class, list(risk.reasons)
    proposal.required = policy.requirement(kind.rule(proposal.change), risk.risk_class).as_json()


def _refuse_ended(proposal: Proposal, now: datetime) -> None:
    if proposal.state != "DRAFT" and proposal.valid_until is not None and now >= proposal.valid_until:
        raise ReviewRefused("expired", _("Its time is over: propose it again."))


def _supersede(person: User, old_id: int, new: Proposal, now: datetime) -> None:
    """The old one's row is locked by the caller."""
    old = Proposal.objects.get(pk=old_id)
    require_own(person, old)
    if old.state not in OPEN or old.kind != new.kind:
        raise ReviewRefused("bad_state", _("Only an open proposal of the same kind can be replaced."))
    step(old, "supersede", actor=actor_of(person), now=now, reason=f"replaced by proposal {new.pk}", superseded_by=new)
