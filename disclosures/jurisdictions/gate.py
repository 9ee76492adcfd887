"""The gate of the public site: every public page, file and API answer passes it before anything is read.

Whatever is public and not named here counts as figures about trading, the most guarded room. The desk, the records, signing in
and the API of the desk are not public and never refused, so that nobody can lock the staff out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import ResolverMatch
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from disclosures.documents.kinds import is_incident
from disclosures.jurisdictions.rules import (
    REFUSAL,
    Room,
    Rule,
    Standing,
    is_refused_anywhere,
    rules_in_force,
    standing_of,
)
from disclosures.jurisdictions.whereabouts import countries_of_request, declared_country

STATUS: Final = 451
CODE: Final = "refused_in_jurisdiction"
BLOCKED_BY: Final = '</jurisdictions/>; rel="blocked-by"'
BOTH_LANGUAGES: Final = (("en", "ltr"), ("dv", "rtl"))
# Routes that begin so belong to the staff, to everybody's own account, or to machines; the last is of what is not there.
NOT_PUBLIC: Final = (
    "desk/", "admin/", "accounts/", "demo/", "language/", "healthz", "readyz", "metrics", "robots.txt", "^.*$",
)  # fmt: skip
API, PUBLIC_API = "api/v1/", "api/v1/public/"
ACCEPTING: Final = frozenset({"disclosure-accept"})
# What explains itself and binds us: readable wherever one is.
READABLE: Final = frozenset(
    {
        "disclosures", "disclosure-kind", "disclosure", "disclosure-source", "disclosure-pdf", "api-public-disclosures",
        "api-public-disclosure", "jurisdictions", "jurisdiction-declare", "api-public-jurisdictions",
        "api-public-jurisdictions-csv", "definitions",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """What a request found at the gate; pages show its notices."""

    room: Room
    standing: Standing
    is_shared: bool

    @property
    def notices(self) -> tuple[Rule, ...]:
        return self.standing.notices(self.room)


class JurisdictionMiddleware:
    """Refuses with 451, or lets pass with `request.passage`; what depends on who asks is kept by no cache between."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        passage: Passage | None = getattr(request, "passage", None)
        return answer if passage is None else _kept_apart(answer, passage)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        room = None if request.resolver_match is None else room_of(request.resolver_match)
        if room is None:
            return None
        rules = rules_in_force()
        standing = standing_of(rules, countries_of_request(request))
        passage = Passage(room, standing, not is_refused_anywhere(rules, room))
        request.passage = passage
        if standing.level(room) < REFUSAL:
            return None
        # A class of views is a door of the API or of a file: its asker is a program.
        return _refusal(request, passage, is_program=hasattr(view, "cls"))


def room_of(match: ResolverMatch) -> Room | None:
    """Which room an address belongs to; None where it is not public."""
    route = match.route
    if route.startswith(NOT_PUBLIC) or (route.startswith(API) and not route.startswith(PUBLIC_API)):
        return None
    # What people report of incidents tells of trading, at whichever of its addresses.
    if match.url_name in READABLE and not is_incident(str(match.kwargs.get("kind", ""))):
        return Room.DOCUMENTS
    return Room.ACKNOWLEDGEMENT if match.url_name in ACCEPTING else Room.DASHBOARDS


def _refusal(request: HttpRequest, passage: Passage, *, is_program: bool) -> HttpResponse:
    refusing = passage.standing.refusals(passage.room)
    if is_program:
        notice = refusing[0].notice_dv if get_language() == "dv" else refusing[0].notice_en
        told = _("This is not shown in your jurisdiction. The rules, and why they are so: %(address)s.")
        message = told % {"address": request.build_absolute_uri("/jurisdictions/")}
        details = {"jurisdiction": refusing[0].country, "version": refusing[0].version, "notice": notice}
        answer: HttpResponse = JsonResponse({"code": CODE, "message": message, "details": details}, status=STATUS)
    else:
        context = {
            "refusing": refusing,
            "both_languages": BOTH_LANGUAGES,
            "declared": declared_country(request.COOKIES),
        }
        answer = render(request, "451.html", context, status=STATUS)
    answer["Link"] = BLOCKED_BY
    return answer


def _kept_apart(answer: HttpResponse, passage: Passage) -> HttpResponse:
    """Only what is the same for everybody may be kept for everybody."""
    if answer.status_code == STATUS:
        answer["Cache-Control"] = "private, no-store"
    elif "public" in answer.get("Cache-Control", "") and (passage.room is Room.DOCUMENTS or passage.is_shared):
        return answer
    else:
        patch_cache_control(answer, private=True)
    patch_vary_headers(answer, ("Cookie", *((settings.COUNTRY_HEADER,) if settings.COUNTRY_HEADER else ())))
    return answer
