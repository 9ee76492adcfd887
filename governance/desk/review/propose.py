"""`/desk/review/new/` and `/desk/review/<id>/edit/`: values, what they would be judged as, and saving them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import Role, has_role
from governance.desk.forms import new_key
from governance.desk.review.pages import now, page, refused_page, status_of, told
from governance.desk.review.parameter_form import MarketForm, change_of, market_form, sent_by
from governance.desk.staff import for_staff
from governance.models import Proposal
from governance.review.assessing import assess_change
from governance.review.drafting import edit, propose
from governance.review.errors import ReviewRefused
from governance.review.kinds.parameters import MOST_MARKETS
from trading.selectors import known_slugs

ACTIONS: Final = ("check", "save", "apply_at_once")


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show_new(request: HttpRequest) -> HttpResponse:
    """One market or several: `?market=` once for each."""
    if not has_role(request.user, Role.OPERATOR):
        return _forbidden(request)
    posted = request.method == "POST"
    asked = request.POST if posted else request.GET
    slugs = list(dict.fromkeys(asked.getlist("market")))[:MOST_MARKETS]
    try:
        forms = [market_form(slug, request.POST if posted else None) for slug in slugs]
    except ReviewRefused as refused:
        return refused_page(request, refused)
    if not posted:
        return _form(request, forms, {})
    return _answer(request, forms, None)


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show_edit(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """The same form, filled with the proposal's values over what is in force now."""
    if not has_role(request.user, Role.OPERATOR):
        return _forbidden(request)
    proposal = Proposal.objects.filter(pk=proposal_id, kind="parameters").first()
    if proposal is None:
        return refused_page(request, ReviewRefused("unknown", _("There is no such proposal.")))
    posted = request.method == "POST"
    sent = request.POST if posted else sent_by(proposal)
    try:
        forms = [market_form(slug, sent) for slug in proposal.change["markets"]]
    except ReviewRefused as refused:
        return refused_page(request, refused)
    if not posted:
        return _form(request, forms, {"proposal": proposal, "reason": proposal.reason})
    return _answer(request, forms, proposal)


def _forbidden(request: HttpRequest) -> HttpResponse:
    return render(request, "403.html", {"detail": _("Only operators propose parameters.")}, status=403)


def _answer(request: HttpRequest, forms: list[MarketForm], proposal: Proposal | None) -> HttpResponse:
    """Judge the values, or save them; a refusal keeps everything that was typed."""
    data, at = request.POST, now()
    context: dict[str, Any] = {
        "proposal": proposal,
        "reason": data.get("reason", ""),
        "key": data.get("idempotency_key", ""),
    }
    problem = None
    if data.get("action") not in ACTIONS:
        # Another market was added: everything typed so far stays.
        return _form(request, forms, context)
    try:
        if data.get("action") == "check":
            context["assessment"] = assess_change(request.user, "parameters", _change(forms), at)
        else:
            saved = _save(request, _change(forms), proposal, at)
            return HttpResponseRedirect(reverse("review-proposal", args=[saved.pk]))
    except ReviewRefused as refused:
        problem = refused
        context["refusal"] = told(refused)
    return _form(request, forms, context, status_of(problem))


def _change(forms: list[MarketForm]) -> dict[str, Any]:
    """Raises `ReviewRefused` where nothing differs from what is in force."""
    change = change_of(forms)
    if not change["markets"]:
        raise ReviewRefused("no_change", _("Every value is the one in force."))
    return change


def _save(request: HttpRequest, change: dict[str, Any], proposal: Proposal | None, at: datetime) -> Proposal:
    data = request.POST
    key, reason = data.get("idempotency_key", ""), data.get("reason", "")
    if proposal is not None:
        saved = edit(request.user, proposal.pk, change, reason, key=key, now=at)
        messages.success(request, _("Saved as a draft. Make the preview, then submit it."))
        return saved
    at_once = data.get("action") == "apply_at_once"
    saved = propose(request.user, "parameters", None, change, reason, key=key, now=at, apply_at_once=at_once)
    text = (
        _("Applied: it is in force now, and waits for a review.")
        if at_once
        else _("Saved as a draft. Nothing changes yet.")
    )
    messages.success(request, text)
    return saved


def _form(request: HttpRequest, forms: list[MarketForm], context: dict[str, Any], status: int = 200) -> HttpResponse:
    chosen = [form.slug for form in forms]
    shown = {
        "forms": forms,
        "chosen": chosen,
        "others": [slug for slug in known_slugs() if slug not in chosen],
        "key": context.get("key") or new_key(),
    }
    return page(request, "form", context | shown, status)
