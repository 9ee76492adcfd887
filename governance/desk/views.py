"""The desk: everything of every market for members of a staff role; controls for operators."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from governance.access.roles import Role, has_role
from governance.desk.commands import StateChange, change_state, kill_scope, known_scopes
from governance.desk.forms import ACTIONS, ControlForm, new_key
from governance.desk.kill_message import tell
from governance.desk.notes import desk_notes
from governance.desk.proof import PURPOSE, loosens, state_content
from governance.desk.staff import for_staff
from governance.review.selectors import control_proposals
from trading.activity import parameters_in_force, recent_fills
from trading.controls.selectors import DESK, needs_two_people
from trading.controls.services import ControlRefused
from trading.market_status import MarketStatus, book_json, status_json
from trading.risk.states import TradingState
from trading.selectors import all_market_status
from trading.sentence_text import sentence


def _row(status: MarketStatus) -> dict[str, Any]:
    return {
        "status": status,
        "json": status_json(status),
        "book": book_json(status),
        "sentence": sentence(status.sentence_key, status.sentence_args),
        "fills": recent_fills(status.slug),
        "parameters": parameters_in_force(status.slug),
    }


def _two_people(now: datetime) -> list[dict[str, Any]]:
    """What only two people end, each with the proposals about it that wait."""
    standing = needs_two_people(now)
    waiting = control_proposals(now) if standing else {}
    return [{"what": one, "proposals": waiting.get((one.scope, one.rule), ())} for one in standing]


@never_cache
@require_safe
@for_staff
def desk(request: HttpRequest) -> HttpResponse:
    """`/desk/`."""
    context = {
        "here": "desk",
        "rows": [_row(status) for status in all_market_status(time.time_ns())],
        "is_operator": has_role(request.user, Role.OPERATOR),
        "two_people": _two_people(datetime.now(UTC)),
        "actions": ACTIONS,
        "desk_scope": DESK,
        "new_key": new_key,
    }
    return render(request, "desk/desk.html", context | desk_notes(request))


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def control(request: HttpRequest, scope: str) -> HttpResponse:
    """`/desk/controls/<scope>/`: choose and give a reason, see what it does, confirm."""
    if not has_role(request.user, Role.OPERATOR):
        return render(request, "403.html", {"detail": _("Only operators change trading states.")}, status=403)
    if scope not in known_scopes():
        return render(request, "404.html", status=404)
    asked = {"state": request.GET.get("state", "PAUSED"), "idempotency_key": new_key()}
    form = ControlForm(request.POST) if request.method == "POST" else ControlForm(initial=asked)
    if request.method == "GET" and (rule := _needs_asking(scope, asked["state"])):
        return HttpResponseRedirect(reverse("desk-resume", args=[scope, rule]))
    if request.method == "POST" and form.is_valid():
        if not form.cleaned_data["confirmed"]:
            return _confirm(request, scope, form)
        refused = _carry_out(request, scope, form)
        if refused is None:
            return HttpResponseRedirect(reverse("desk") + ("" if scope == DESK else f"#{scope}"))
        form.add_error(None, refused)
    status = 200 if request.method == "GET" else 422
    return render(request, "desk/control.html", _page(scope, form), status=status)


def _needs_asking(scope: str, state: str) -> str | None:
    """What two people must end before the scope can be resumed; None where one may, or something else is wanted."""
    if state != TradingState.ACTIVE.name:
        return None
    return next((one.rule for one in needs_two_people(datetime.now(UTC)) if one.scope == scope), None)


def _page(scope: str, form: ControlForm) -> dict[str, Any]:
    return {"here": "desk", "scope": scope, "is_desk": scope == DESK, "form": form, "actions": ACTIONS}


def _confirm(request: HttpRequest, scope: str, form: ControlForm) -> HttpResponse:
    state = form.cleaned_data["state"]
    word, effect = next((word, effect) for action, word, effect in ACTIONS if action == state)
    shown = {"state": state, "word": word, "effect": effect, "needs_proof": loosens(scope, state)}
    if shown["needs_proof"]:
        shown |= {"purpose": PURPOSE, "content_hash": state_content(scope, state)}
    return render(request, "desk/confirm.html", _page(scope, form) | shown)


def _carry_out(request: HttpRequest, scope: str, form: ControlForm) -> str | None:
    """Do it; the reason it was refused, or None."""
    data = form.cleaned_data
    change = StateChange(scope, data["state"], data["reason"], data["idempotency_key"])
    try:
        if data["state"] == "HALTED":
            tell(request, scope, kill_scope(request.user, scope, change.reason, change.idempotency_key))
            return None
        result = change_state(request.user, change, request.POST)
    except ControlRefused as problem:
        return str(problem)
    messages.success(request, _("%(scope)s is now %(state)s.") % {"scope": scope, "state": result.state})
    return None
