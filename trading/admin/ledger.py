"""The ledger: fills, positions, balances, reconciliation."""

from __future__ import annotations

from django.contrib import admin

from trading.admin.records import RecordAdmin
from trading.models import (
    CashBalance,
    CashMovement,
    Fill,
    FillQuarantine,
    FundingReport,
    MmState,
    Position,
    ReconciliationReport,
    VenueCursor,
)


@admin.register(Fill)
class FillAdmin(RecordAdmin):
    list_display = (
        "executed_at",
        "market",
        "side",
        "price",
        "size",
        "fee",
        "fee_asset",
        "realised_pnl",
        "maker",
        "parameter_version",
        "source",
    )
    list_filter = ("market", "side", "maker", "source", ("fee", admin.EmptyFieldListFilter))
    search_fields = ("trade_id", "order_id", "client_order_id")
    list_select_related = ("market",)
    ordering = ("-executed_at", "-id")


@admin.register(FillQuarantine)
class FillQuarantineAdmin(RecordAdmin):
    list_display = ("seen_at", "venue", "account", "reason", "trade_key", "resolved_at")
    list_filter = ("reason", "venue", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("trade_key",)
    ordering = ("-id",)


@admin.register(Position)
class PositionAdmin(RecordAdmin):
    list_display = (
        "market",
        "q",
        "cost_basis",
        "realised",
        "cash_flow",
        "fees",
        "funding",
        "volume",
        "fills",
        "ledger_seq",
        "updated_at",
    )
    list_select_related = ("market",)


@admin.register(CashBalance)
class CashBalanceAdmin(RecordAdmin):
    list_display = ("account", "asset", "amount")
    list_filter = ("account", "asset")
    list_select_related = ("account", "asset")


@admin.register(CashMovement)
class CashMovementAdmin(RecordAdmin):
    list_display = ("executed_at", "account", "asset", "kind", "amount", "market", "ledger_seq")
    list_filter = ("kind", "account", "asset", "market")
    search_fields = ("key",)
    list_select_related = ("account", "asset", "market")
    ordering = ("-id",)


@admin.register(VenueCursor)
class VenueCursorAdmin(RecordAdmin):
    list_display = ("account", "channel", "cursor")
    list_select_related = ("account",)


@admin.register(MmState)
class MmStateAdmin(RecordAdmin):
    list_display = ("at", "market", "state", "mid", "bid", "ask", "inventory", "realised", "unrealised", "open_orders")
    list_filter = ("market", "state")
    list_select_related = ("market",)
    ordering = ("-id",)


@admin.register(ReconciliationReport)
class ReconciliationReportAdmin(RecordAdmin):
    list_display = ("at", "account", "trigger", "equal", "duration_ms")
    list_filter = ("equal", "trigger", "account")
    list_select_related = ("account",)
    ordering = ("-id",)


@admin.register(FundingReport)
class FundingReportAdmin(RecordAdmin):
    list_display = ("at", "account", "equal", "payments", "booked_now", "duration_ms")
    list_filter = ("equal", "account")
    list_select_related = ("account",)
    ordering = ("-id",)
