"""Addresses of the public API."""

from __future__ import annotations

from django.urls import path

from disclosures.api import documents, views

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
]
