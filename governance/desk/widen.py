"""`/desk/widen/<market>/`: one operator widens the spread at once; another person reviews it afterwards."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

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
from governance.desk.staff import for_staff
from governance.review.drafting import propose
from governance.review.errors import ReviewRefused
from governance.review.values import market_named, values_in_force
from trading.events.services import plain_decimal
from trading.parameters.schema import BY_NAME

FACTOR: Final = BY_NAME["widen_factor"]
STEPS: Final = (Decimal("1.25"), Decimal("1.5"), Decimal(2), Decimal(3))


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show(request: HttpRequest, market: str) -> HttpResponse:
    """A factor wider than the one in force, and a reason."""
    if not has_role(request.user, Role.OPERATOR):
        return render(request, "403.html", {"detail": _("Only operators change trading states.")}, status=403)
    problem = None
    try:
        market_named(market)
        current = values_in_force(market)[FACTOR.name]
    except ReviewRefused as refused:
        return refused_page(request, refused)
    if request.method == "POST":
        try:
            return _widen(request, market)
        except ReviewRefused as refused:
            problem = refused
    context = {
        "market": market,
        "current": plain_decimal(current),
        "choices": [plain_decimal(min(current * step, FACTOR.maximum)) for step in STEPS],
        "maximum": plain_decimal(FACTOR.maximum),
        "reason": request.POST.get("reason", ""),
        "factor": request.POST.get("factor", plain_decimal(min(current * STEPS[1], FACTOR.maximum))),
        "key": request.POST.get("idempotency_key") or new_key(),
    }
    if problem is not None:
        context["refusal"] = told(problem)
    return page(request, "widen", context, status_of(problem))


def _widen(request: HttpRequest, market: str) -> HttpResponse:
    data = request.POST
    factor, key, reason = data.get("factor", "").strip(), data.get("idempotency_key", ""), data.get("reason", "")
    if not _is_number(factor):
        raise ReviewRefused("invalid", _("The factor is a number, as in 1.5."))
    change = {"markets": {market: {FACTOR.name: factor}}}
    made = propose(request.user, "parameters", None, change, reason, key=key, now=now(), apply_at_once=True)
    text = _("%(market)s is widened to a factor of %(factor)s. Somebody else must review it within a day.")
    messages.success(request, text % {"market": market, "factor": factor})
    return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
