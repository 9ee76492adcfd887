"""Public pages of the documents: the list, each kind, each version at its own address for ever, its PDF and its source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from disclosures.documents.acknowledging import owed, state_for
from disclosures.documents.content import lagging
from disclosures.documents.facts import LANGUAGES
from disclosures.documents.html import html_of_published
from disclosures.documents.kinds import is_incident
from disclosures.documents.selectors import Published, newest, pdf_bytes, published, shelves, versions
from disclosures.documents.standing import notes_of
from disclosures.jurisdictions.gate import Passage
from disclosures.jurisdictions.rules import Room, Rule
from governance.desk.forms import new_key
from governance.review.errors import ReviewRefused

BOTH = "both"
GONE = 410
# A withdrawal must reach readers soon: nobody keeps a file for longer without asking.
KEPT_S = 300


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/disclosures/`."""
    now = datetime.now(UTC)
    # Nobody is asked for what would be refused where they are.
    waiting = [] if _refusing(request) else owed(request.user, now)
    context = {"shelves": shelves(now), "owed": waiting, "here": "disclosures"}
    return render(request, "public/disclosures.html", context)


@require_safe
def kind(request: HttpRequest, kind: str) -> HttpResponse:
    """`/disclosures/<kind>/`: the newest version, with every earlier one; of an incident at its own place."""
    try:
        found = newest(kind, datetime.now(UTC))
        if found is None:
            raise ReviewRefused("unknown_version", "")
    except ReviewRefused:
        return _not_there(request)
    # Which version is the newest changes: a browser must not keep it for ever.
    newest_report = reverse("incident-report-newest", args=[kind]) if is_incident(kind) else ""
    return HttpResponseRedirect(newest_report) if newest_report else _shown(request, found)


@require_safe
def version(request: HttpRequest, kind: str, version: int) -> HttpResponse:
    """`/disclosures/<kind>/<version>/`; the report of an incident has its own place."""
    try:
        found = published(kind, version, datetime.now(UTC))
    except ReviewRefused:
        return _not_there(request)
    return HttpResponsePermanentRedirect(found.path) if is_incident(kind) else _shown(request, found)


@require_safe
def report(request: HttpRequest, kind: str, version: int | None = None) -> HttpResponse:
    """`/incidents/reports/<kind>/`, the newest version, and `/incidents/reports/<kind>/<version>/`."""
    now = datetime.now(UTC)
    try:
        found = published(kind, version, now) if version is not None else newest(kind, now)
    except ReviewRefused:
        return _not_there(request)
    return _shown(request, found) if found is not None and is_incident(kind) else _not_there(request)


@require_safe
def pdf(request: HttpRequest, kind: str, version: int, language: str) -> HttpResponse:
    """`/disclosures/<kind>/<version>/<language>.pdf`: the stored bytes."""
    try:
        body, sha256 = pdf_bytes(kind, version, language)
    except ReviewRefused:
        return _not_there(request)
    return _kept(request, body, "application/pdf", f"{sha256}-{language}", f"{kind}-{version}-{language}.pdf")


@require_safe
def source(request: HttpRequest, kind: str, version: int) -> HttpResponse:
    """`/disclosures/<kind>/<version>/content.json`: the very bytes that the hash is of."""
    try:
        found = published(kind, version, datetime.now(UTC))
    except ReviewRefused:
        return _not_there(request)
    if not found.is_readable:
        return _not_there(request)
    name = f"{kind}-{version}.json"
    return _kept(request, found.row.content.encode(), "application/json", found.row.sha256, name)


def reading(request: HttpRequest) -> str:
    """Which text the reader wants: "en", "dv" or "both"; without a wish that of the page."""
    wished = request.GET.get("text", "")
    if wished in (*LANGUAGES, BOTH):
        return wished
    return "dv" if get_language() == "dv" else "en"


def parts_of(content: dict[str, Any], wanted: str, render_text: Any) -> list[dict[str, Any]]:
    """What a page shows of each language wanted: title, text, and what is to be said beside it."""
    languages = LANGUAGES if wanted == BOTH else (wanted,)
    return [
        {
            "language": language,
            "direction": "rtl" if language == "dv" else "ltr",
            "title": content["title"][language],
            "html": render_text(language),
            "notes": notes_of(content, language),
        }
        for language in languages
    ]


def _shown(request: HttpRequest, found: Published) -> HttpResponse:
    wanted = reading(request)
    row, now = found.row, datetime.now(UTC)

    def text(language: str) -> str:
        return html_of_published(row.sha256, row.content, language)

    context = {
        "found": found,
        "parts": parts_of(found.content, wanted, text) if found.is_readable else [],
        "wanted": wanted,
        "lagging": lagging(found.content),
        "versions": versions(row.kind, now),
        "acknowledgement": state_for(request.user, found, now),
        "refusing": _refusing(request),
        "new_key": new_key,
        "is_report": is_incident(row.kind),
        "here": "changes" if is_incident(row.kind) else "disclosures",
    }
    return render(request, "public/disclosure.html", context, status=200 if found.is_readable else GONE)


def _refusing(request: HttpRequest) -> tuple[Rule, ...]:
    """The rules by jurisdiction that refuse the reader to accept anything."""
    passage: Passage = request.passage
    return passage.standing.refusals(Room.ACKNOWLEDGEMENT)


def _kept(request: HttpRequest, body: bytes, content_type: str, etag: str, name: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=content_type)
    answer["ETag"] = f'"{etag}"'
    answer["Cache-Control"] = f"public, max-age={KEPT_S}"
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    same = get_conditional_response(request, etag=answer["ETag"], response=answer)
    return answer if same is None else same


def _not_there(request: HttpRequest) -> HttpResponse:
    return render(request, "404.html", status=404)
