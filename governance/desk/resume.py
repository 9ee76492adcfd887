"""The pages of what two people must end: an operator asks, an approver decides."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import Role, has_role
from governance.desk.commands import Decision, ask_to_resume, decide_to_resume, known_scopes
from governance.desk.forms import DecisionForm, ReasonForm, new_key
from governance.desk.proof import PURPOSE, request_content
from governance.desk.staff import for_staff
from trading.controls.selectors import DESK
from trading.controls.services import ControlRefused
from trading.models import ResumeRequest


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def ask(request: HttpRequest, scope: str, rule: str) -> HttpResponse:
    """`/desk/resume/<scope>/<rule>/`: an operator asks, with a reason."""
    if not has_role(request.user, Role.OPERATOR):
        return render(request, "403.html", {"detail": _("Only operators ask to resume.")}, status=403)
    if scope not in known_scopes():
        return render(request, "404.html", status=404)
    form = ReasonForm(request.POST) if request.method == "POST" else ReasonForm(initial={"idempotency_key": new_key()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            ask_to_resume(request.user, scope, rule, data["reason"], data["idempotency_key"])
        except ControlRefused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("Asked. An approver must confirm within 30 minutes."))
            return HttpResponseRedirect(reverse("desk"))
    return _page(request, {"scope": scope, "rule": rule, "form": form})


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def decide(request: HttpRequest, request_id: int) -> HttpResponse:
    """`/desk/requests/<id>/`: an approver reads what was asked and says yes or no, with a reason."""
    if not has_role(request.user, Role.APPROVER):
        return render(request, "403.html", {"detail": _("Only approvers decide on this.")}, status=403)
    asked = ResumeRequest.objects.filter(pk=request_id).first()
    if asked is None:
        return render(request, "404.html", status=404)
    posted = request.method == "POST"
    form = DecisionForm(request.POST) if posted else DecisionForm(initial={"idempotency_key": new_key()})
    if posted and form.is_valid():
        data = form.cleaned_data
        said = Decision(asked.pk, data["decision"] == "confirm", data["reason"], data["idempotency_key"])
        try:
            result = decide_to_resume(request.user, said, request.POST)
        except ControlRefused as problem:
            form.add_error(None, str(problem))
        else:
            is_confirmed = result.outcome == "CONFIRMED"
            messages.success(request, _("Confirmed: resumed.") if is_confirmed else _("Refused: nothing was changed."))
            return HttpResponseRedirect(reverse("desk"))
    shown = {"scope": asked.scope, "rule": asked.rule, "form": form, "asked": asked}
    return _page(request, shown | {"purpose": PURPOSE, "content_hash": request_content(asked.pk)})


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    page = context | {"here": "desk", "is_desk": context["scope"] == DESK}
    return render(request, "desk/resume.html", page, status=200 if request.method == "GET" else 422)
