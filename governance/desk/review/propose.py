"""`/desk/review/new/` and `/desk/review/<id>/edit/` of parameters: values, what they would be judged as, and saving them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import has_role
from governance.desk.forms import new_key
from governance.desk.review.pages import page, refused_page
from governance.desk.review.parameter_form import MarketForm, change_of, market_form, sent_by
from governance.desk.review.saving import answer, forbidden
from governance.desk.staff import for_staff
from governance.models import Proposal
from governance.review.errors import ReviewRefused
from governance.review.kinds.parameters import MOST_MARKETS
from governance.review.registry import KINDS
from trading.selectors import known_slugs

KIND = "parameters"


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show_new(request: HttpRequest) -> HttpResponse:
    """One market or several: `?market=` once for each."""
    if not has_role(request.user, *KINDS[KIND].proposer_roles):
        return forbidden(request, KINDS[KIND].proposer_roles)
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


def edit_parameters(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    """The same form, filled with the proposal's values over what is in force now."""
    posted = request.method == "POST"
    sent = request.POST if posted else sent_by(proposal)
    try:
        forms = [market_form(slug, sent) for slug in proposal.change["markets"]]
    except ReviewRefused as refused:
        return refused_page(request, refused)
    if not posted:
        return _form(request, forms, {"proposal": proposal, "reason": proposal.reason})
    return _answer(request, forms, proposal)


def _answer(request: HttpRequest, forms: list[MarketForm], proposal: Proposal | None) -> HttpResponse:
    def show(context: dict[str, Any], status: int = 200) -> HttpResponse:
        return _form(request, forms, context, status)

    return answer(request, KIND, lambda: _change(forms), proposal, show)


def _change(forms: list[MarketForm]) -> dict[str, Any]:
    """Raises `ReviewRefused` where nothing differs from what is in force."""
    change = change_of(forms)
    if not change["markets"]:
        raise ReviewRefused("no_change", _("Every value is the one in force."))
    return change


def _form(request: HttpRequest, forms: list[MarketForm], context: dict[str, Any], status: int = 200) -> HttpResponse:
    chosen = [form.slug for form in forms]
    shown = {
        "forms": forms,
        "chosen": chosen,
        "others": [slug for slug in known_slugs() if slug not in chosen],
        "key": context.get("key") or new_key(),
    }
    return page(request, "form", context | shown, status)
