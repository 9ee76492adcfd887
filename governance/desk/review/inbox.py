"""`/desk/review/`: what waits for me; `/desk/review/all/`: every proposal."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from governance.desk.review.pages import now, page
from governance.desk.review.propose_kind import menu_for
from governance.desk.staff import for_staff
from governance.models import ProposalState
from governance.review.registry import KINDS
from governance.review.selectors import PAGE, inbox, proposals, recently_decided
from trading.selectors import known_slugs


@never_cache
@require_safe
@for_staff
def show_inbox(request: HttpRequest) -> HttpResponse:
    """What the person is to do, has in hand, and what was decided of late."""
    context = {
        "inbox": inbox(request.user, now()),
        "decided": recently_decided(),
        "menu": menu_for(request.user),
        "markets": known_slugs(),
    }
    return page(request, "inbox", context)


@never_cache
@require_safe
@for_staff
def show_all(request: HttpRequest) -> HttpResponse:
    """Newest first, by state, kind and market; a page at a time."""
    asked = {name: request.GET.get(name, "") for name in ("state", "kind", "market")}
    before = request.GET.get("before", "")
    known = {"state": ProposalState.values, "kind": list(KINDS), "market": known_slugs()}
    wanted = {name: value if value in known[name] else "" for name, value in asked.items()}
    is_number = before.isascii() and before.isdecimal() and len(before) < 18
    lines = proposals(**wanted, before=int(before) if is_number else None)
    context = {
        "lines": lines,
        "asked": wanted,
        "states": ProposalState.choices,
        "kinds": known["kind"],
        "markets": known["market"],
        "next": lines[-1].id if len(lines) == PAGE else None,
    }
    return page(request, "all", context)
