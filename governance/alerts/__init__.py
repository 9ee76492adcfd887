"""What people are told, and how: the event of each step, the notifications made from it, and their way out of the portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.alerts.notices import write_notices
from governance.models import Proposal
from trading.controls.commands import Actor
from trading.events.services import record


def notify(event: str, proposal: Proposal, payload: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Tell what happened to a proposal, in the transaction in which it happened: its event, and a notification for everybody
    whom it concerns but the one who did it."""
    body = {
        "proposal": proposal.pk,
        "kind": proposal.kind,
        "subject": proposal.subject,
        "state": str(proposal.state),
        "revision": proposal.revision,
        "content_hash": proposal.content_hash,
        **payload,
    }
    write_notices(event, proposal, payload, actor=actor, now=now)
    # Last: the aggregate's lock is the last of the lock order.
    record(aggregate(proposal.pk), event, body, actor_id=actor.id, actor_name=actor.name, occurred_at=now)


def aggregate(proposal_id: int) -> str:
    """The event aggregate of a proposal."""
    return f"proposal:{proposal_id}"
