"""What every form of a proposal does with what was typed: judge it, or save it; a refusal keeps it all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from governance.access.roles import Role
from governance.desk.review.pages import now, status_of, told
from governance.models import Proposal
from governance.review.assessing import assess_change
from governance.review.drafting import edit, propose
from governance.review.errors import ReviewRefused

ACTIONS: Final = ("check", "save", "apply_at_once")


class Show(Protocol):
    """Renders the form again with what came of it."""

    def __call__(self, context: dict[str, Any], status: int = 200) -> HttpResponse: ...


def answer(
    request: HttpRequest, kind: str, change: Callable[[], Any], proposal: Proposal | None, show: Show
) -> HttpResponse:
    """`change` makes what the kind's service takes, and may raise `ReviewRefused`; `proposal` is the one that is edited."""
    data, at = request.POST, now()
    context: dict[str, Any] = {
        "proposal": proposal,
        "reason": data.get("reason", ""),
        "key": data.get("idempotency_key", ""),
    }
    if data.get("action") not in ACTIONS:
        # Something was added to the form: everything typed so far stays.
        return show(context)
    problem = None
    try:
        if data.get("action") == "check":
            context["assessment"] = assess_change(request.user, kind, change(), at)
        else:
            saved = _save(request, kind, change(), proposal, at)
            return HttpResponseRedirect(reverse("review-proposal", args=[saved.pk]))
    except ReviewRefused as refused:
        problem = refused
        context["refusal"] = told(refused)
    return show(context, status_of(problem))


def forbidden(request: HttpRequest, roles: tuple[Role, ...]) -> HttpResponse:
    """For who proposes no such change."""
    detail = _("This needs the role %(roles)s.") % {"roles": ", ".join(role.value for role in roles)}
    return render(request, "403.html", {"detail": detail}, status=403)


def _save(request: HttpRequest, kind: str, change: Any, proposal: Proposal | None, at: datetime) -> Proposal:
    data = request.POST
    key, reason = data.get("idempotency_key", ""), data.get("reason", "")
    if proposal is not None:
        saved = edit(request.user, proposal.pk, change, reason, key=key, now=at)
        messages.success(request, _("Saved as a draft. Nothing changes yet."))
        return saved
    at_once = data.get("action") == "apply_at_once"
    saved = propose(request.user, kind, None, change, reason, key=key, now=at, apply_at_once=at_once)
    text = (
        _("Applied: it is in force now, and waits for a review.")
        if at_once
        else _("Saved as a draft. Nothing changes yet.")
    )
    messages.success(request, text)
    return saved
