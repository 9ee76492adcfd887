"""The second factor that comes with a vote, checked at the door and handed to the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.access import step_up
from governance.access.step_up import StepUp
from governance.models import Proposal, User
from governance.review import applying, voting
from governance.review.errors import ReviewRefused
from governance.review.step_up import STEP_UP_AT_ONCE


def purpose_of(proposal: Proposal) -> str:
    """What the proof is for: of one revision of one proposal."""
    return f"review:{proposal.pk}:{proposal.revision}"


def vote_with_proof(
    person: User, proposal: Proposal, choice: str, content_hash: str, reason: str, data: Mapping[str, Any],
    *, key: str, now: datetime,
) -> Proposal:  # fmt: skip
    """A vote with the code or the signed assertion in `data`. Raises `ReviewRefused`."""
    is_done = voting.voted_already(person, proposal.pk, choice, content_hash, reason, key=key)
    # The service finds the receipt and writes nothing: nothing needs to be proved once more.
    shown = None if is_done else _shown(person, proposal, content_hash, data, now)
    return voting.vote(person, proposal.pk, choice, content_hash, reason, shown, key=key, now=now)


def review_with_proof(
    person: User, proposal: Proposal, reason: str, data: Mapping[str, Any], *, key: str, now: datetime
) -> Proposal:
    """A review afterwards, likewise. Raises `ReviewRefused`."""
    is_done = voting.reviewed_already(person, proposal.pk, reason, key=key)
    shown = None if is_done else _shown(person, proposal, proposal.content_hash, data, now)
    return voting.review_reducing(person, proposal.pk, reason, shown, key=key, now=now)


def apply_at_once_with_proof(
    person: User, proposal: Proposal, data: Mapping[str, Any], *, key: str, now: datetime
) -> Proposal:
    """A reducing change applied by its proposer, with a second factor where its kind asks for one. Raises `ReviewRefused`."""
    is_asked = proposal.kind in STEP_UP_AT_ONCE and not applying.applied_already(person, proposal.pk, key=key)
    shown = _shown(person, proposal, proposal.content_hash, data, now) if is_asked else None
    return applying.apply_at_once(person, proposal.pk, key=key, now=now, step_up=shown)


def _shown(person: User, proposal: Proposal, content_hash: str, data: Mapping[str, Any], now: datetime) -> StepUp:
    if content_hash != proposal.content_hash:
        # Never use up a code for something else than the person looked at.
        raise ReviewRefused("content_changed", voting.changed_since())
    try:
        return step_up.verify(person, data, purpose_of(proposal), content_hash, now)
    except step_up.StepUpRefused as problem:
        raise ReviewRefused(problem.code, str(problem)) from problem
