"""The desk's hand-over note and “since you last looked”: what is sent from its two forms, and the words of events."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from governance.alerts.handover import latest_note, leave_note, look, since_last_look
from governance.desk.review.pages import now
from governance.desk.staff import for_staff
from governance.review.errors import ReviewRefused

_WORDS: Final = {
    "control.changed": gettext_noop("trading state changed"),
    "lock.imposed": gettext_noop("a rule stopped or reduced trading"),
    "lock.lifted": gettext_noop("a rule’s lock was lifted"),
    "limit.hard": gettext_noop("a hard limit was reached"),
    "risk.breaker": gettext_noop("a breaker paused the market"),
    "parameters.applied": gettext_noop("new parameters are in force"),
    "proposal.submitted": gettext_noop("a proposal went into review"),
    "proposal.approved": gettext_noop("a proposal was approved"),
    "proposal.applied": gettext_noop("a proposal was applied"),
    "proposal.rejected": gettext_noop("a proposal was rejected"),
    "proposal.failed": gettext_noop("a proposal could not be applied"),
    "proposal.cancelled": gettext_noop("a proposal was cancelled"),
    "reconciliation.unexplained": gettext_noop("ledger and venue differ without explanation"),
    "handover.written": gettext_noop("a hand-over note was left"),
}


@require_POST
@for_staff
def write_note(request: HttpRequest) -> HttpResponse:
    """`/desk/note/`."""
    try:
        leave_note(request.user, request.POST.get("text", ""), key=request.POST.get("idempotency_key", ""), now=now())
    except ReviewRefused as refused:
        messages.error(request, f"{refused} {_('Nothing was changed.')}")
    else:
        messages.success(request, _("The note stands on everybody’s desk."))
    return HttpResponseRedirect(reverse("desk"))


@require_POST
@for_staff
def have_looked(request: HttpRequest) -> HttpResponse:
    """`/desk/looked/`: sent twice, it is the same."""
    look(request.user, now())
    return HttpResponseRedirect(reverse("desk"))


def desk_notes(request: HttpRequest) -> dict[str, Any]:
    """What the desk's page shows of both."""
    since = since_last_look(request.user, now())
    lines = [
        {
            "at": event.occurred_at,
            "what": _(_WORDS[event.type]),
            "about": event.aggregate.partition(":")[2],
            "who": event.actor_name,
            "why": str(event.payload.get("reason", ""))[:200],
            "proposal": event.payload.get("proposal") if event.type.startswith("proposal.") else None,
        }
        for event in since.events
    ]
    return {"note": latest_note(), "since": since, "since_lines": lines}
