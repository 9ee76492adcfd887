"""Second factors, sessions, links and tokens in the admin: that they exist and when they were used, never a secret or a hash."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from governance.models import ApiToken, PersonSession, RecoveryCode, SecurityKey, SignInLink, StepUpProof, TotpDevice
from trading.admin.records import RecordAdmin


class _Private(RecordAdmin):
    """No export: it would write every column."""

    actions: list[Any] = []
    list_select_related: tuple[str, ...] | bool = ("person",)
    search_fields: tuple[str, ...] = ("person__username",)
    ordering = ("-id",)


@admin.register(TotpDevice)
class TotpDeviceAdmin(_Private):
    list_display = fields = ("person", "created_at")


@admin.register(SecurityKey)
class SecurityKeyAdmin(_Private):
    list_display = fields = ("person", "name", "created_at", "last_used_at", "revoked_at")


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(_Private):
    list_display = fields = ("person", "created_at", "used_at")


@admin.register(StepUpProof)
class StepUpProofAdmin(_Private):
    list_display = fields = ("person", "purpose", "content_hash", "method", "begun_at", "expires_at", "used_at")
    list_filter = ("method", "purpose")


@admin.register(PersonSession)
class PersonSessionAdmin(_Private):
    list_display = fields = ("person", "method", "begun_at")
    list_filter = ("method",)


@admin.register(SignInLink)
class SignInLinkAdmin(_Private):
    # Whose it was is private.
    list_display = fields = ("created_at", "expires_at", "used_at")
    list_select_related = False
    search_fields = ()


@admin.register(ApiToken)
class ApiTokenAdmin(_Private):
    list_display = fields = (
        "person", "name", "prefix", "roles", "authorised_by", "created_at", "expires_at", "last_used_at", "revoked_at",
        "revoked_by_name",
    )  # fmt: skip
