"""`/jurisdictions/`: the rules in force and every earlier one, what applies to the reader, and where the reader says to be."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from disclosures.jurisdictions.countries import COUNTRIES
from disclosures.jurisdictions.gate import Passage
from disclosures.jurisdictions.history import told_rules
from disclosures.jurisdictions.rules import Room
from disclosures.jurisdictions.whereabouts import COOKIE, COOKIE_AGE_S, declared_country, known_country, told_countries
from disclosures.jurisdictions.wording import LEVEL_WORDS, ROOMS, country_name
from disclosures.transparency.page_answer import refused


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/jurisdictions/`."""
    rows = told_rules()
    passage: Passage = request.passage
    context = {
        "in_force": [row for row in rows if row["in_force"]],
        "earlier": [row for row in rows if not row["in_force"]],
        "told": [country_name(code) for code in told_countries(request.headers) if code],
        "declared": declared_country(request.COOKIES),
        "declared_name": country_name(declared_country(request.COOKIES)),
        "standing": [(_(ROOMS[room]), _(LEVEL_WORDS[passage.standing.level(room)])) for room in Room],
        "countries": sorted(COUNTRIES.items(), key=lambda one: one[1]),
        "here": "jurisdictions",
    }
    return render(request, "public/jurisdictions.html", context)


@never_cache
@require_POST
def declare(request: HttpRequest) -> HttpResponse:
    """`/jurisdictions/here/`: remember in the browser where the visitor says to be; nothing is kept here. Empty: forget it."""
    page, said = reverse("jurisdictions"), request.POST.get("country", "")
    country = known_country(said)
    if said.strip() and not country:
        detail = _("There is no such jurisdiction: choose one from the list.")
        return refused(request, detail, [(page, _("Rules by jurisdiction"))])
    answer: Any = HttpResponseRedirect(page)
    if country:
        answer.set_cookie(
            COOKIE, country, max_age=COOKIE_AGE_S, secure=settings.LANGUAGE_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
        messages.success(request, _("Kept in this browser. It can only make the rules stricter for you."))
    else:
        answer.delete_cookie(COOKIE, samesite="Lax")
        messages.success(request, _("Forgotten."))
    return answer
