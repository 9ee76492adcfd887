"""Pages of the public's accounts: ask for a link, use it."""

from __future__ import annotations

from datetime import UTC, datetime
from smtplib import SMTPException

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dcmm_portal.client_address import client_address
from governance.access.forms import LinkForm
from governance.access.investors import is_good, send_link, use_link
from governance.access.sessions import BY_LINK, begin_session
from governance.access.way_back import way_back

log = structlog.get_logger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def ask_for_link(request: HttpRequest) -> HttpResponse:
    """`/accounts/link/`: the answer is the same whether the address has an account, has none, or belongs to the desk. The link
    leads on to `?next=`, where that is a page of the portal."""
    form = LinkForm(request.POST if request.method == "POST" else None, address=client_address(request))
    then = way_back(request.GET.get("next", ""))
    if request.method == "POST" and form.is_valid():
        try:
            send_link(form.cleaned_data["email"], datetime.now(UTC), then)
        except (SMTPException, OSError) as problem:
            log.error("mail.failed", problem=type(problem).__name__)
        return render(request, "registration/link_sent.html")
    return render(request, "registration/link_ask.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """`/accounts/link/<token>/`: opening shows a button, pressing it uses the link up."""
    now = datetime.now(UTC)
    if request.method == "GET":
        good = is_good(token, now)
        return render(request, "registration/link_use.html", {"is_good": good}, status=200 if good else 410)
    person = use_link(token, now)
    if person is None:
        return render(request, "registration/link_use.html", {"is_good": False}, status=410)
    begin_session(request, person, BY_LINK)
    return HttpResponseRedirect(way_back(request.GET.get("next", "")) or reverse("live"))
