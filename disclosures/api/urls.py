"""Addresses of the public API."""

from __future__ import annotations

from django.urls import path

from disclosures.api import documents, reports, tables, treasury, views

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
    path("incidents/reports/", tables.IncidentReports.as_view(), name="api-public-incident-reports"),
    path("incidents/reports.csv", tables.IncidentReportsCsv.as_view(), name="api-public-incident-reports-csv"),
    path("restatements/", tables.Restatements.as_view(), name="api-public-restatements"),
    path("restatements.csv", tables.RestatementsCsv.as_view(), name="api-public-restatements-csv"),
    path("reports/", reports.PublicReports.as_view(), name="api-public-reports"),
    path("reports/<slug:kind>/<slug:day>/", reports.PublicReportText.as_view(), name="api-public-report"),
    path("jurisdictions/", tables.Jurisdictions.as_view(), name="api-public-jurisdictions"),
    path("jurisdictions.csv", tables.JurisdictionsCsv.as_view(), name="api-public-jurisdictions-csv"),
    path("publication/", tables.PublicationVersions.as_view(), name="api-public-publication"),
    path("publication.csv", tables.PublicationVersionsCsv.as_view(), name="api-public-publication-csv"),
    path("treasury/", treasury.Wallets.as_view(), name="api-public-treasury"),
    path("treasury.csv", treasury.WalletsCsv.as_view(), name="api-public-treasury-csv"),
    path("treasury/balances/", treasury.Balances.as_view(), name="api-public-treasury-balances"),
    path("treasury/balances.csv", treasury.BalancesCsv.as_view(), name="api-public-treasury-balances-csv"),
    path("buybacks/", treasury.Buybacks.as_view(), name="api-public-buybacks"),
    path("buybacks.csv", treasury.BuybacksCsv.as_view(), name="api-public-buybacks-csv"),
    path("buybacks/days/", treasury.BuybackDays.as_view(), name="api-public-buyback-days"),
    path("buybacks/days.csv", treasury.BuybackDaysCsv.as_view(), name="api-public-buyback-days-csv"),
    path("buybacks/programmes/", treasury.Programmes.as_view(), name="api-public-buyback-programmes"),
    path("buybacks/programmes.csv", treasury.ProgrammesCsv.as_view(), name="api-public-buyback-programmes-csv"),
    path("rewards/", treasury.Rewards.as_view(), name="api-public-rewards"),
    path("rewards.csv", treasury.RewardsCsv.as_view(), name="api-public-rewards-csv"),
    path("rewards/payouts/", treasury.Payouts.as_view(), name="api-public-reward-payouts"),
    path("rewards/payouts.csv", treasury.PayoutsCsv.as_view(), name="api-public-reward-payouts-csv"),
]
