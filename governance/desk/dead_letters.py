"""What was set aside, for the desk to read; an operator sends it through once more, with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from governance.access.roles import Role, has_role
from governance.desk.commands import try_again
from governance.desk.forms import ReasonForm, new_key
from governance.desk.staff import for_staff
from trading.controls.services import ControlRefused
from trading.hot_state.connection import HotStateUnavailable
from trading.ledger.dead_letters import REFUSED, RetryResult, list_letters, read_letter

BODY_SHOWN = 4_000


@never_cache
@require_safe
@for_staff
def set_aside(request: HttpRequest) -> HttpResponse:
    """`/desk/set-aside/`."""
    try:
        letters = list_letters()
    except HotStateUnavailable:
        return render(request, "desk/set_aside.html", {"here": "desk", "is_unavailable": True}, status=503)
    return render(request, "desk/set_aside.html", {"here": "desk", "letters": letters})


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """`/desk/set-aside/<name>/`: read it; an operator tries again."""
    is_operator = has_role(request.user, Role.OPERATOR)
    if request.method == "POST" and not is_operator:
        return render(request, "403.html", {"detail": _("Only operators try again what was set aside.")}, status=403)
    form = ReasonForm(request.POST) if request.method == "POST" else ReasonForm(initial={"idempotency_key": new_key()})
    if request.method == "POST" and form.is_valid():
        refused = _try_again(request, name, form)
        if refused is None:
            return HttpResponseRedirect(reverse("desk-set-aside"))
        form.add_error(None, refused)
    try:
        found = read_letter(name)
    except ControlRefused:
        return render(request, "404.html", status=404)
    except HotStateUnavailable:
        return render(request, "desk/set_aside.html", {"here": "desk", "is_unavailable": True}, status=503)
    context = {
        "here": "desk",
        "letter": found,
        "body": found.body[:BODY_SHOWN],
        "form": form,
        "is_operator": is_operator,
    }
    return render(request, "desk/letter.html", context, status=200 if request.method == "GET" else 422)


def _try_again(request: HttpRequest, name: str, form: ReasonForm) -> str | None:
    """Do it; the reason it was refused, or None."""
    data = form.cleaned_data
    try:
        result = try_again(request.user, name, data["reason"], data["idempotency_key"])
    except ControlRefused as problem:
        return str(problem)
    except HotStateUnavailable:
        return _("The hot state does not answer: nothing was tried.")
    _tell(request, result)
    return None


def _tell(request: HttpRequest, result: RetryResult) -> None:
    if result.outcome == REFUSED:
        text = _("Tried again and set aside as before: %(reason)s.")
        messages.warning(request, text % {"reason": result.reason})
    else:
        messages.success(request, _("Tried again: %(outcome)s.") % {"outcome": result.outcome})
