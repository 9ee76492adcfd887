"""The public tables, as JSON and as CSV: series, parameter changes, incidents, restatements, publication policy, overview."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from dcmm_portal.api_errors import ErrorSerializer
from disclosures.api.answering import table_answer, written, written_answer
from disclosures.api.door import PublicView
from disclosures.api.schema import PublicTableSerializer
from disclosures.documents.incident_table import incident_reports_table
from disclosures.jurisdictions.history import jurisdiction_changes
from disclosures.transparency.changes import parameter_changes, publication_changes
from disclosures.transparency.incidents import incidents
from disclosures.transparency.kept_answers import kept_answer
from disclosures.transparency.metrics import METRICS
from disclosures.transparency.overview import overview
from disclosures.transparency.restated import restatements
from disclosures.transparency.series import DEFAULT_RANGE, RANGES, BadRange, asked_range, market_series
from disclosures.transparency.tables import PublicTable
from governance.api.asked import require_market
from trading.clock import to_datetime
from trading.models import Market

_SERIES = [
    OpenApiParameter("metric", str, required=True, enum=list(METRICS), description="Which figure."),
    OpenApiParameter("range", str, enum=list(RANGES), description="How far back from now; default 24h."),
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="Instead of a range: from this time on."),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="With `from`: up to this time; default now."),
]


class TableView(PublicView):
    """A table in one form. Subclasses say which."""

    form = "json"

    def answer(self, request: Request, table: PublicTable) -> HttpResponseBase:
        return table_answer(request._request, table, self.form)


def described(name: str, form: str, parameters: list[OpenApiParameter] | None = None) -> Callable[..., Any]:
    errors: dict[Any, Any] = {400: ErrorSerializer, 404: ErrorSerializer}
    body: Any = PublicTableSerializer if form == "json" else OpenApiTypes.STR
    key: Any = 200 if form == "json" else (200, "text/csv")
    suffix = "" if form == "json" else "_csv"
    return extend_schema(operation_id=f"public_{name}{suffix}", parameters=parameters, responses=errors | {key: body})


class Series(TableView):
    """One figure of a market over time. Buckets follow the range, so that there are at most 1,500."""

    @described("series", "json", _SERIES)
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        require_market(slug)
        asked, now = request.query_params, to_datetime(time.time_ns())
        try:
            since, until = asked_range(asked.get("range", ""), asked.get("from", ""), asked.get("to", ""), now)
            market, metric = Market.objects.get(slug=slug), asked.get("metric", "")

            def make() -> tuple[bytes, str]:
                return written(market_series(market, metric, since, until, now), self.form)

            # Of what programs ask for again and again there are so many; of two times there is no end.
            is_named = metric in METRICS and not (asked.get("from") or asked.get("to"))
            question = f"series:{metric}:{asked.get('range') or DEFAULT_RANGE}:{self.form}"
            body = kept_answer(question, market, now, make) if is_named else make()
            return written_answer(request._request, body, self.form)
        except BadRange as problem:
            raise ValidationError({problem.field: str(problem)}) from problem


class SeriesCsv(Series):
    """The same as CSV."""

    form = "csv"

    @described("series", "csv", _SERIES)
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        return super().get(request, slug)


class Parameters(TableView):
    """What changed in a market's parameters: from, to, why, and by which roles."""

    @described("parameters", "json")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        require_market(slug)
        return self.answer(request, parameter_changes(slug))


class ParametersCsv(Parameters):
    """The same as CSV."""

    form = "csv"

    @described("parameters", "csv")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        return super().get(request, slug)


class Incidents(TableView):
    """Pauses, breakers and limits."""

    @described("incidents", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, incidents(to_datetime(time.time_ns())))


class IncidentsCsv(Incidents):
    """The same as CSV."""

    form = "csv"

    @described("incidents", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class IncidentReports(TableView):
    """What people reported of incidents: the newest version of each report."""

    @described("incident_reports", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, incident_reports_table())


class IncidentReportsCsv(IncidentReports):
    """The same as CSV."""

    form = "csv"

    @described("incident_reports", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Restatements(TableView):
    """Closed figures that changed afterwards."""

    @described("restatements", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, restatements(to_datetime(time.time_ns())))


class RestatementsCsv(Restatements):
    """The same as CSV."""

    form = "csv"

    @described("restatements", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class PublicationVersions(TableView):
    """The versions of the publication policy."""

    @described("publication", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, publication_changes())


class PublicationVersionsCsv(PublicationVersions):
    """The same as CSV."""

    form = "csv"

    @described("publication", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Jurisdictions(TableView):
    """The rules by jurisdiction: those in force first, then every earlier version. Never refused, wherever one asks from."""

    @described("jurisdictions", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, jurisdiction_changes())


class JurisdictionsCsv(Jurisdictions):
    """The same as CSV."""

    form = "csv"

    @described("jurisdictions", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class OverviewCsv(TableView):
    """Every active market as one row: the figures of the list of markets."""

    form = "csv"

    @described("markets", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, overview(time.time_ns()))
