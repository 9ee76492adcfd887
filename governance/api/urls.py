"""Addresses of the staff API."""

from __future__ import annotations

from django.urls import include, path

from governance.api import controls, review, views

urlpatterns = [
    path("markets/", views.Markets.as_view(), name="api-markets"),
    path("markets/<slug:slug>/", views.OneMarket.as_view(), name="api-market"),
    path("markets/<slug:slug>/history/", views.History.as_view(), name="api-history"),
    path("fills/", views.Fills.as_view(), name="api-fills"),
    path("orders/", views.Orders.as_view(), name="api-orders"),
    path("decisions/", views.Decisions.as_view(), name="api-decisions"),
    path("parameters/<slug:slug>/versions/", views.ParameterVersions.as_view(), name="api-parameter-versions"),
    path("review/", include("governance.api.review_urls")),
    path("controls/", controls.Controls.as_view(), name="api-controls"),
    path("controls/kill/", controls.Kill.as_view(), name="api-kill"),
    path("controls/resume-requests/", review.ResumeRequests.as_view(), name="api-resume-requests"),
]
