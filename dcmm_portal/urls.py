"""Every address of the portal; each room brings its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path

from dcmm_portal import errors, health
from dcmm_portal.api_urls import api_urlpatterns
from governance.access.demo_page import demo
from governance.access.views import sign_in_for_records

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failed

urlpatterns = [
    path("", include("disclosures.urls")),
    path("desk/disclosures/", include("disclosures.desk_urls")),
    path("desk/", include("governance.desk.urls")),
    path("accounts/", include("governance.access.urls")),
    path("demo/", demo, name="demo"),
    path("language/", include("django.conf.urls.i18n")),
    path("api/v1/", include(api_urlpatterns)),
    path("admin/login/", sign_in_for_records),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("robots.txt", health.robots, name="robots"),
    # Last: with DEBUG too, what is not there is told in our own words and shows no map of addresses.
    re_path(r"^.*$", errors.nowhere),
]
