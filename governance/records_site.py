"""The site of the records: for members of a staff role, whatever else Django knows of a person."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import sites
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from governance.access.roles import STAFF_ROLES, has_role

_KNOWN = "_reads_records"


class RecordsSite(UnfoldAdminSite):
    """Asks for a role; being `is_staff` or a superuser opens nothing."""

    def has_permission(self, request: HttpRequest) -> bool:
        """True for members of a staff role; asked once a request, since every list asks again."""
        known = vars(request)
        if _KNOWN not in known:
            known[_KNOWN] = has_role(request.user, *STAFF_ROLES)
        return bool(known[_KNOWN])

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """One's password is changed in one place, just after giving the second factor."""
        return HttpResponseRedirect(reverse("account"))


class RecordsThemeConfig(AppConfig):
    """The theme with our site: the library's own configuration would put its site there."""

    name = "unfold"

    def ready(self) -> None:
        """Before any room registers its records."""
        admin.site = sites.site = RecordsSite()
