"""Addresses of the public API."""

from __future__ import annotations

from django.urls import path

from disclosures.api import documents, reports, tables, views

urlpatterns = [
    path("disclosures/", documents.PublicDisclosures.as_view(), name="api-public-disclosures"),
    path(
        "disclosures/<slug:kind>/<int:version>/",
        documents.PublicDisclosure.as_view(),
        name="api-public-disclosure",
    ),
    path("markets/", views.PublicMarkets.as_view(), name="api-public-markets"),
    path("markets/<slug:slug>/", views.PublicMarket.as_view(), name="api-public-market"),
    path("markets/<slug:slug>/history/", views.PublicHistory.as_view(), name="api-public-history"),
    path("markets.csv", tables.OverviewCsv.as_view(), name="api-public-markets-csv"),
    path("markets/<slug:slug>/series/", tables.Series.as_view(), name="api-public-series"),
    path("markets/<slug:slug>/series.csv", tables.SeriesCsv.as_view(), name="api-public-series-csv"),
    path("markets/<slug:slug>/parameters/", tables.Parameters.as_view(), name="api-public-parameters"),
    path("markets/<slug:slug>/parameters.csv", tables.ParametersCsv.as_view(), name="api-public-parameters-csv"),
    path("incidents/", tables.Incidents.as_view(), name="api-public-incidents"),
    path("incidents.csv", tables.IncidentsCsv.as_view(), name="api-public-incidents-csv"),
    path("restatements/", tables.Restatements.as_view(), name="api-public-restatements"),
    path("restatements.csv", tables.RestatementsCsv.as_view(), name="api-public-restatements-csv"),
    path("reports/", reports.PublicReports.as_view(), name="api-public-reports"),
    path("reports/<slug:kind>/<slug:day>/", reports.PublicReportText.as_view(), name="api-public-report"),
    path("jurisdictions/", tables.Jurisdictions.as_view(), name="api-public-jurisdictions"),
    path("jurisdictions.csv", tables.JurisdictionsCsv.as_view(), name="api-public-jurisdictions-csv"),
    path("publication/", tables.PublicationVersions.as_view(), name="api-public-publication"),
    path("publication.csv", tables.PublicationVersionsCsv.as_view(), name="api-public-publication-csv"),
]
