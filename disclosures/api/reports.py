"""The public API of reports: the archive, and each report with the very text that its hash is of."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dcmm_portal.api_errors import ErrorSerializer
from disclosures.api.door import PublicView
from disclosures.models import PublicReport
from disclosures.reports.formats import address_of
from disclosures.reports.periods import DAYS, BadPeriod, asked_period
from disclosures.reports.selectors import NoReport, archive, report_of
from disclosures.reports.views import page_asked

_ASKED = [
    OpenApiParameter("kind", str, enum=list(DAYS), description="Of this kind alone."),
    OpenApiParameter("page", int, description="1 is the newest 30; default 1."),
]


class ReportSerializer(serializers.Serializer[Any]):
    """One report. Days are those of the Maldives."""

    kind = serializers.CharField(help_text="daily or weekly (Sunday to Saturday).")
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    made_at = serializers.DateTimeField()
    sha256 = serializers.CharField(help_text="Of the bytes of `content`.")
    publication_version = serializers.IntegerField(help_text="The publication policy that its figures follow.")
    address = serializers.CharField(
        help_text="Permanent address; with .csv, .json or .pdf for the last slash its files."
    )


class ReportsSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField()
    has_older = serializers.BooleanField()
    reports = ReportSerializer(many=True)


class ReportTextSerializer(ReportSerializer):
    content = serializers.CharField(help_text="Canonical JSON whose SHA-256 is `sha256`.")


class PublicReports(PublicView):
    """The archive, newest first, 30 at a time."""

    @extend_schema(
        operation_id="public_reports",
        parameters=_ASKED,
        responses={200: ReportsSerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        kind = request.query_params.get("kind", "")
        if kind and kind not in DAYS:
            raise ValidationError({"kind": _("There are the reports %(names)s.") % {"names": ", ".join(DAYS)}})
        try:
            page = archive(page_asked(request.query_params.get("page", "1")), kind)
        except BadPeriod as problem:
            raise ValidationError({"page": str(problem)}) from problem
        except NoReport as problem:
            raise NotFound(str(problem), "no_report") from problem
        return Response({"page": page.number, "has_older": page.older, "reports": [_told(one) for one in page.reports]})


class PublicReportText(PublicView):
    """One report with its content."""

    @extend_schema(
        operation_id="public_report",
        responses={200: ReportTextSerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, kind: str, day: str) -> Response:
        try:
            found = report_of(asked_period(kind, day))
        except NoReport as problem:
            raise NotFound(str(problem), "no_report") from problem
        except BadPeriod as problem:
            if problem.code == "bad_day":
                raise ValidationError({"day": str(problem)}) from problem
            raise NotFound(str(problem), problem.code) from problem
        return Response(_told(found) | {"content": found.content})


def _told(report: PublicReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "first_day": report.period_start,
        "last_day": report.period_end,
        "made_at": report.made_at,
        "sha256": report.sha256,
        "publication_version": report.publication_version,
        "address": address_of(report),
    }
