"""`/desk/review/versions/<market>/`: every version that ever traded, any two compared, and the way back to each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import Role, has_role
from governance.desk.review.pages import now, page, refused_page, status_of, told
from governance.desk.staff import for_staff
from governance.review.errors import ReviewRefused
from governance.review.rollback import roll_back
from governance.review.selectors import compare, versions


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show(request: HttpRequest, market: str) -> HttpResponse:
    """GET compares `?a=` with `?b=` (the last two without them); POST prepares a draft back to `version`."""
    problem = None
    if request.method == "POST":
        try:
            return _back(request, market)
        except ReviewRefused as refused:
            problem = refused
    try:
        found = versions(market)
        numbers = [row["version"] for row in found]
        a, b = _asked(request, "a", numbers, 1), _asked(request, "b", numbers, 0)
        diff = compare(market, a, b) if a and b else []
    except ReviewRefused as refused:
        return refused_page(request, refused)
    context = {
        "market": market,
        "versions": found,
        "a": a,
        "b": b,
        "diff": diff,
        "current": numbers[0] if numbers else 0,
        "is_operator": has_role(request.user, Role.OPERATOR),
        "reason": request.POST.get("reason", ""),
    }
    if problem is not None:
        context["refusal"] = told(problem)
    return page(request, "versions", context, status_of(problem))


def _back(request: HttpRequest, market: str) -> HttpResponse:
    data = request.POST
    key, version = data.get("idempotency_key", ""), _number(data.get("version", ""))
    made = roll_back(request.user, market, version, data.get("reason", ""), key=key, now=now())
    text = _("A draft back to that version is prepared: look at it, make the preview, submit it.")
    messages.success(request, text)
    return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))


def _asked(request: HttpRequest, name: str, numbers: list[int], index: int) -> int:
    if raw := request.GET.get(name, ""):
        return _number(raw)
    return numbers[index] if len(numbers) > 1 else 0


def _number(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else 0
