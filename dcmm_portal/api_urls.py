"""Every address of the API, version 1; the webhooks of venues are trading's own."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from dcmm_portal.errors import not_found

api_urlpatterns = [
    path("", include("trading.api.urls_webhooks")),
    path("schema/", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("public/", include("disclosures.api.urls")),
    path("", include("governance.api.urls")),
    re_path(r"^.*$", not_found),
]
