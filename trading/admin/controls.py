"""Trading states, locks, gates, epochs of leases."""

from __future__ import annotations

from django.contrib import admin

from trading.admin.records import RecordAdmin
from trading.models import LeaseEpoch, Lock, NamedGate, ResumeRequest, TradingControl, TradingSession


@admin.register(TradingControl)
class TradingControlAdmin(RecordAdmin):
    list_display = ("scope", "state", "reason", "actor_name", "changed_at", "version", "authorised_by")
    list_filter = ("state",)
    search_fields = ("scope", "reason", "actor_name")


@admin.register(Lock)
class LockAdmin(RecordAdmin):
    list_display = (
        "scope",
        "state",
        "rule",
        "reason",
        "imposed_by",
        "imposed_at",
        "until",
        "lifted_at",
        "authorised_by",
    )
    list_filter = ("state", "rule", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("scope", "rule", "reason", "imposed_by", "lifted_by")
    ordering = ("-imposed_at",)


@admin.register(ResumeRequest)
class ResumeRequestAdmin(RecordAdmin):
    list_display = ("scope", "rule", "reason", "asked_by_name", "asked_at", "outcome", "decided_by_name", "decided_at")
    list_filter = ("outcome", "rule")
    search_fields = ("scope", "reason", "asked_by_name", "decided_by_name")
    ordering = ("-asked_at",)


@admin.register(NamedGate)
class NamedGateAdmin(RecordAdmin):
    list_display = ("name", "is_open", "reason", "changed_by", "changed_at")
    list_filter = ("is_open",)


@admin.register(TradingSession)
class TradingSessionAdmin(RecordAdmin):
    list_display = ("market", "day", "number", "opening_pnl", "opening_price", "peak", "updated_at")
    list_filter = ("market",)
    ordering = ("-day", "market", "-number")


@admin.register(LeaseEpoch)
class LeaseEpochAdmin(RecordAdmin):
    list_display = ("epoch", "market", "owner", "granted_at")
    list_filter = ("market",)
    search_fields = ("owner",)
    ordering = ("-epoch",)
