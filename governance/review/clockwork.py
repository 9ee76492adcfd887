"""What time does to proposals: applying those whose time has come, ending those whose time is over, and reminding."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from governance.alerts import aggregate, notify
from governance.database_time import both_reached
from governance.models import Proposal
from governance.review.applying import apply
from governance.review.drafting import tell_if_too_few
from governance.review.errors import ReviewRefused
from governance.review.locks import lock_proposals
from governance.review.states import STEPS
from governance.review.transitions import SYSTEM, step
from trading.metrics import PROPOSALS, REVIEWS_OVERDUE, VOTERS_MISSING
from trading.models import Event

log = structlog.get_logger(__name__)

COUNTED: Final = ("DRAFT", "IN_REVIEW", "CHANGES_REQUESTED", "APPROVED")


def apply_due(now: datetime) -> list[int]:
    """Apply what may be applied at `now`, each in its own transaction; ids of those that left APPROVED. A clock of ours that is
    ahead of the database's makes nothing due."""
    at = both_reached(now)
    due = Proposal.objects.filter(state="APPROVED", not_before__lte=at)
    due = due.filter(Q(scheduled_for__isnull=True) | Q(scheduled_for__lte=at)).order_by("not_before", "pk")
    moved = []
    for proposal_id in due.values_list("pk", flat=True):
        try:
            apply(proposal_id, now=now)
        except ReviewRefused as refused:
            # It waits (an overdue review), or another worker was first.
            log.info("proposal_waits", proposal=proposal_id, code=refused.code)
        else:
            moved.append(proposal_id)
    return moved


def expire_due(now: datetime) -> list[int]:
    """End what was not decided or applied in time, by both clocks; ids of those that expired."""
    at = both_reached(now)
    late = Proposal.objects.filter(state__in=STEPS["expire"][0], valid_until__lte=at).values_list("pk", flat=True)
    expired = []
    for proposal_id in late.order_by("pk"):
        with transaction.atomic():
            proposal = lock_proposals([proposal_id])[0]
            if proposal.state in STEPS["expire"][0] and proposal.valid_until and proposal.valid_until <= at:
                step(proposal, "expire", actor=SYSTEM, now=at, reason="its time is over")
                expired.append(proposal_id)
    return expired


def review_overdue(now: datetime) -> list[int]:
    """Tell, once each, of reducing changes nobody looked at in time and of proposals with too few voters; ids of the former."""
    overdue = Proposal.objects.filter(review_due_at__lte=now, reviewed_at__isnull=True)
    told = [pk for pk in overdue.order_by("pk").values_list("pk", flat=True) if _tell_overdue(pk, now)]
    in_review = Proposal.objects.filter(state="IN_REVIEW").order_by("pk").values_list("pk", flat=True)
    missing = sum(_tell_missing(pk, now) for pk in in_review)
    REVIEWS_OVERDUE.set(overdue.count())
    VOTERS_MISSING.set(missing)
    for state in COUNTED:
        PROPOSALS.labels(state).set(Proposal.objects.filter(state=state).count())
    return told


def _tell_overdue(proposal_id: int, now: datetime) -> bool:
    with transaction.atomic():
        proposal = lock_proposals([proposal_id])[0]
        if proposal.reviewed_at is not None or _was_told(proposal, "proposal.review_overdue"):
            return False
        due = {"review_due_at": proposal.review_due_at}
        notify("proposal.review_overdue", proposal, due, actor=SYSTEM, now=now)
    return True


def _tell_missing(proposal_id: int, now: datetime) -> bool:
    with transaction.atomic():
        proposal = lock_proposals([proposal_id])[0]
        if proposal.state != "IN_REVIEW":
            return False
        if _was_told(proposal, "proposal.voters_missing"):
            return True
        return tell_if_too_few(proposal, now)


def _was_told(proposal: Proposal, event: str) -> bool:
    """Told of this revision already."""
    told = Event.objects.filter(aggregate=aggregate(proposal.pk), type=event, payload__revision=proposal.revision)
    return told.exists()
