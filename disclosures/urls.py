"""Addresses of the public pages."""

from __future__ import annotations

from django.urls import path

from disclosures.documents import accept
from disclosures.documents import views as documents
from disclosures.feeds.views import Feed
from disclosures.jurisdictions import views as jurisdictions
from disclosures.reports import views as reports
from disclosures.transparency import treasury_views, views

urlpatterns = [
    path("", views.live, name="live"),
    path("markets/", views.markets, name="markets"),
    path("markets/<slug:slug>/", views.market, name="market"),
    path("markets/<slug:slug>/<slug:key>/", views.chart, name="market-chart"),
    path("changes/", views.changes, name="changes"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/reports/<slug:kind>/", documents.report, name="incident-report-newest"),
    path("incidents/reports/<slug:kind>/<int:version>/", documents.report, name="incident-report"),
    path("restatements/", views.restatements, name="restatements"),
    path("treasury/", treasury_views.treasury, name="treasury"),
    path("buybacks/", treasury_views.buybacks_page, name="buybacks"),
    path("rewards/", treasury_views.rewards, name="rewards"),
    path("definitions/", views.definitions, name="definitions"),
    path("disclosures/", documents.index, name="disclosures"),
    path("disclosures/<slug:kind>/", documents.kind, name="disclosure-kind"),
    path("disclosures/<slug:kind>/<int:version>/", documents.version, name="disclosure"),
    path("disclosures/<slug:kind>/<int:version>/content.json", documents.source, name="disclosure-source"),
    path("disclosures/<slug:kind>/<int:version>/<slug:language>.pdf", documents.pdf, name="disclosure-pdf"),
    path("disclosures/<slug:kind>/<int:version>/accept/", accept.accept, name="disclosure-accept"),
    path("reports/", reports.index, name="reports"),
    path("reports/<slug:kind>/<slug:day>/", reports.report, name="report"),
    path("reports/<slug:kind>/<slug:day>.csv", reports.ReportCsv.as_view(), name="report-csv"),
    path("reports/<slug:kind>/<slug:day>.json", reports.ReportContent.as_view(), name="report-content"),
    path("reports/<slug:kind>/<slug:day>.pdf", reports.ReportPdf.as_view(), name="report-pdf"),
    path("jurisdictions/", jurisdictions.index, name="jurisdictions"),
    path("jurisdictions/here/", jurisdictions.declare, name="jurisdiction-declare"),
    path("feed.xml", Feed.as_view(), name="feed"),
]
