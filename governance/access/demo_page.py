"""`/demo/`: who the demonstration's people are and how to sign in as them. Only with DEBUG, and only on this very machine."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dcmm_portal.client_address import is_this_machine
from governance.access.demo import demo_people


def is_demo(request: HttpRequest) -> bool:
    """True if the page may be shown: DEBUG, a loopback peer, a loopback name asked for, and no trace of a proxy."""
    return bool(settings.DEBUG) and is_this_machine(request)


@never_cache
@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    """Names, passwords and the codes of now; for anybody else there is nothing here."""
    if not is_demo(request):
        return render(request, "404.html", status=404)
    people = demo_people(settings.DATA_DIRECTORY / "secrets" / "demo-people", datetime.now(UTC))
    return render(request, "registration/demo.html", {"people": people})
