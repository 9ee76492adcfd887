"""`/desk/resume/<scope>/<rule>/`: an operator asks to end what only two people may end. What asking makes is a proposal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import Role, has_role
from governance.desk.commands import known_scopes
from governance.desk.forms import ReasonForm, new_key
from governance.desk.review.pages import now
from governance.desk.staff import for_staff
from governance.review.drafting import propose
from governance.review.errors import ReviewRefused
from trading.controls.selectors import DESK


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def ask(request: HttpRequest, scope: str, rule: str) -> HttpResponse:
    """Propose and submit in one step, with a reason; then the proposal's page, where an approver votes."""
    if not has_role(request.user, Role.OPERATOR):
        return render(request, "403.html", {"detail": _("Only operators ask to resume.")}, status=403)
    if scope not in known_scopes():
        return render(request, "404.html", status=404)
    posted = request.method == "POST"
    form = ReasonForm(request.POST) if posted else ReasonForm(initial={"idempotency_key": new_key()})
    if posted and form.is_valid():
        data, change = form.cleaned_data, {"scope": scope, "rule": rule}
        key = data["idempotency_key"]
        try:
            made = propose(
                request.user, "control", None, change, data["reason"], key=key, now=now(), submit_at_once=True
            )
        except ReviewRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Asked: nothing is changed yet. An approver must vote within 30 minutes."))
            return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))
    context = {"here": "desk", "is_desk": scope == DESK, "scope": scope, "rule": rule, "form": form}
    return render(request, "desk/resume.html", context, status=422 if posted else 200)
