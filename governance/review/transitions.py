"""The one writer of a proposal's state: each step with its row, its event and its notice, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from governance.alerts import notify
from governance.models import Proposal, ProposalTransition
from governance.review.errors import ReviewRefused
from governance.review.states import STEPS
from trading.controls.commands import Actor
from trading.metrics import PROPOSAL_STEPS

# Who acts where no person does.
SYSTEM: Final = Actor("system", "system", frozenset())

# The word of each step's event.
EVENTS: Final = {
    "make": "proposal.made",
    "edit": "proposal.edited",
    "submit": "proposal.submitted",
    "apply_at_once": "proposal.applied",
    "request_changes": "proposal.changes_requested",
    "reject": "proposal.rejected",
    "approve": "proposal.approved",
    "apply": "proposal.applied",
    "fail": "proposal.failed",
    "expire": "proposal.expired",
    "withdraw": "proposal.withdrawn",
    "supersede": "proposal.superseded",
    "cancel": "proposal.cancelled",
}


def require_step(proposal: Proposal, action: str) -> None:
    """Raises `ReviewRefused` ("bad_state") where the proposal's state does not allow the action."""
    if proposal.state not in STEPS[action][0]:
        message = _("A proposal that is “%(state)s” does not allow this.")
        raise ReviewRefused("bad_state", message % {"state": proposal.get_state_display()})


def step(proposal: Proposal, action: str, *, actor: Actor, now: datetime, reason: str = "", **changes: Any) -> Proposal:
    """Take the step, with `changes` to other columns. Raises `ReviewRefused` where the state does not allow it."""
    require_step(proposal, action)
    before = str(proposal.state)
    changes["state"] = STEPS[action][1]
    for name, value in changes.items():
        setattr(proposal, name, value)
    proposal.save(update_fields=list(changes))
    # The times that count are the database's own.
    proposal.refresh_from_db()
    record_step(proposal, before, action, actor=actor, now=now, reason=reason)
    return proposal


def record_step(proposal: Proposal, before: str, action: str, *, actor: Actor, now: datetime, reason: str) -> None:
    """The transition's row and its event; `before` is empty where the proposal was just made."""
    ProposalTransition.objects.create(
        proposal=proposal,
        from_state=before,
        to_state=proposal.state,
        action=action,
        actor_id=actor.id,
        actor_name=actor.name,
        reason=reason,
        revision=proposal.revision,
        at=now,
    )
    notify(EVENTS[action], proposal, {"from": before, "reason": reason}, actor=actor, now=now)
    transaction.on_commit(PROPOSAL_STEPS.labels(proposal.kind, action).inc, robust=True)
