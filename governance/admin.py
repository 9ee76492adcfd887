"""People and roles in the admin, to read. Roles are granted by review, not here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group

from governance import admin_access
from governance.models import User
from trading.admin.records import RecordAdmin

admin.site.unregister(Group)

__all__ = ["RoleAdmin", "UserAdmin", "admin_access"]


@admin.register(User)
class UserAdmin(RecordAdmin):
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("username", "first_name", "last_name")
    # The password's hash is nobody's to read, and an address is private.
    fields = (
        "username",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "last_login",
        "date_joined",
    )
    actions: list[Any] = []


@admin.register(Group)
class RoleAdmin(RecordAdmin):
    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)
