"""Public doors of the reports: the archive, each report at its own address for ever, its files. No account needed."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from dcmm_portal.api_errors import Refused
from disclosures.api.answering import CSV, JSON, kept
from disclosures.api.door import PublicView
from disclosures.documents.facts import LANGUAGES
from disclosures.models import PublicReport
from disclosures.printing.press import NotPrintable
from disclosures.reports.formats import csv_of, nothing, pdf_of
from disclosures.reports.making import late_reports, next_due
from disclosures.reports.periods import BadPeriod, asked_period
from disclosures.reports.selectors import NoReport, archive, body_of, report_of, restated_since
from disclosures.reports.sheet import section_of, sheet_of
from trading.clock import to_datetime

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return to_datetime(time.time_ns())


def page_asked(raw: str) -> int:
    """The number of a page of the archive. Raises `BadPeriod` ("bad_page")."""
    if not (raw.isascii() and raw.isdigit() and 1 <= len(raw) <= 5):
        raise BadPeriod("bad_page", _("A page is a whole number from 1 on."))
    return int(raw)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/reports/`: newest first; `?page=2` and so on for older ones."""
    try:
        page = archive(page_asked(request.GET.get("page", "1")))
    except (BadPeriod, NoReport) as problem:
        return _refused(request, problem)
    now = _now()
    context = {"page": page, "due_at": next_due(now), "late": late_reports(now), "here": "reports"}
    return render(request, "public/reports.html", context)


@require_safe
def report(request: HttpRequest, kind: str, day: str) -> HttpResponse:
    """`/reports/<kind>/<day>/`: as it was made, below what was restated since."""
    try:
        found = report_of(asked_period(kind, day))
    except (BadPeriod, NoReport) as problem:
        return _refused(request, problem)
    restated = restated_since(found, _now())
    context = {
        "report": found,
        "sheet": sheet_of(body_of(found)),
        "restated": section_of(restated, reverse("restatements")) if restated.rows else None,
        "nothing": nothing(),
        "here": "reports",
    }
    return render(request, "public/report.html", context)


class _File(PublicView):
    """A file of a report; throttled, since it may have to be made."""

    def found(self, request: Request, kind: str, day: str) -> PublicReport | HttpResponse:
        try:
            return report_of(asked_period(kind, day))
        except (BadPeriod, NoReport) as problem:
            return _refused(request._request, problem)


class ReportCsv(_File):
    """`/reports/<kind>/<day>.csv`."""

    @extend_schema(exclude=True)
    def get(self, request: Request, kind: str, day: str) -> HttpResponseBase:
        found = self.found(request, kind, day)
        if isinstance(found, HttpResponse):
            return found
        return kept(request._request, csv_of(found), CSV, _named(f"dcmm-{kind}-{day}.csv", "attachment"))


class ReportContent(_File):
    """`/reports/<kind>/<day>.json`: the very bytes that the hash is of."""

    @extend_schema(exclude=True)
    def get(self, request: Request, kind: str, day: str) -> HttpResponseBase:
        found = self.found(request, kind, day)
        if isinstance(found, HttpResponse):
            return found
        return kept(request._request, found.content.encode(), JSON, _named(f"dcmm-{kind}-{day}.json"))


class ReportPdf(_File):
    """`/reports/<kind>/<day>.pdf`; `?language=en` or `dv`. Throttled by itself: a PDF costs much more than a table."""

    throttle_scope = "files"

    @extend_schema(exclude=True)
    def get(self, request: Request, kind: str, day: str) -> HttpResponseBase:
        language = request.query_params.get("language", LANGUAGES[0])
        if language not in LANGUAGES:
            message = _("There are the languages %(names)s.") % {"names": ", ".join(LANGUAGES)}
            return _refused(request._request, BadPeriod("unknown_language", message))
        found = self.found(request, kind, day)
        if isinstance(found, HttpResponse):
            return found
        try:
            body = pdf_of(found, language)
        except NotPrintable as problem:
            log.error("report_not_printable", report=f"{kind}:{day}", language=language, problem=str(problem))
            message = _("No PDF can be made of this report. Its page, CSV and JSON say the same.")
            raise Refused(message, "not_printable", 503) from problem
        return kept(request._request, body, "application/pdf", _named(f"dcmm-{kind}-{day}-{language}.pdf"))


def _named(name: str, how: str = "inline") -> dict[str, str]:
    return {"Content-Disposition": f'{how}; filename="{name}"'}


def _refused(request: HttpRequest, problem: Exception) -> HttpResponse:
    """404 for what could be and is not there, 400 for what is no day, page or language."""
    is_bad = isinstance(problem, BadPeriod) and problem.code in ("bad_day", "bad_page", "unknown_language")
    context: dict[str, Any] = {"detail": str(problem), "status": 400 if is_bad else 404, "here": "reports"}
    return render(request, "public/report_refused.html", context, status=context["status"])
