"""The kill switch on the desk: one page that says what happens, one confirmation, and what came of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import Role, has_role
from governance.desk.commands import kill_scope, known_scopes
from governance.desk.forms import ReasonForm, new_key
from governance.desk.kill_message import tell
from governance.desk.staff import for_staff
from trading.controls.selectors import DESK
from trading.controls.services import ControlRefused


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def kill(request: HttpRequest, scope: str) -> HttpResponse:
    """`/desk/kill/<scope>/`."""
    if not has_role(request.user, Role.OPERATOR):
        return render(request, "403.html", {"detail": _("Only operators change trading states.")}, status=403)
    if scope not in known_scopes():
        return render(request, "404.html", status=404)
    asked = {"reason": _("Emergency stop from the desk"), "idempotency_key": new_key()}
    form = ReasonForm(request.POST) if request.method == "POST" else ReasonForm(initial=asked)
    if request.method == "POST" and form.is_valid():
        try:
            result = kill_scope(request.user, scope, form.cleaned_data["reason"], form.cleaned_data["idempotency_key"])
        except ControlRefused as problem:
            form.add_error(None, str(problem))
        else:
            tell(request, scope, result)
            return HttpResponseRedirect(reverse("desk") + ("" if scope == DESK else f"#{scope}"))
    context = {"here": "desk", "scope": scope, "is_desk": scope == DESK, "form": form}
    return render(request, "desk/kill.html", context, status=200 if request.method == "GET" else 422)
