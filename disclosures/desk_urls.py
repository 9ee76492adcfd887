"""Addresses of the desk's pages about documents."""

from __future__ import annotations

from django.urls import path

from disclosures.documents import desk

urlpatterns = [
    path("", desk.index, name="desk-disclosures"),
    path("new/", desk.new, name="desk-disclosure-new"),
    path("report/", desk.report, name="desk-incident-report"),
    path("acknowledgements.csv", desk.acknowledgements, name="desk-acknowledgements"),
    path("drafts/<int:draft_id>/", desk.draft, name="desk-disclosure-draft"),
    path("drafts/<int:draft_id>/preview/", desk.preview, name="desk-disclosure-preview"),
    path("drafts/<int:draft_id>/submit/", desk.submit, name="desk-disclosure-submit"),
    path("drafts/<int:draft_id>/drop/", desk.drop, name="desk-disclosure-drop"),
    path("proposals/<int:proposal_id>/", desk.proposal, name="desk-disclosure-proposal"),
    path("<slug:kind>/<int:version>/", desk.notice, name="desk-disclosure-notice"),
]
