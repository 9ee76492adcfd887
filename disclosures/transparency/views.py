"""Public pages: the live markets and the definitions of their figures. No account, no cookie needed to read them."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.public_market import public_json, public_markets


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """`/`: every market in its public form."""
    markets = public_markets(time.time_ns())
    rows = [{"market": market, "json": public_json(market)} for market in markets]
    return render(request, "public/live.html", {"rows": rows, "here": "live"})


@require_safe
def definitions(request: HttpRequest) -> HttpResponse:
    """`/definitions/`: what each figure means."""
    return render(request, "public/definitions.html", {"definitions": DEFINITIONS, "here": "definitions"})
