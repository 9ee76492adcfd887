"""What the machine did: orders, decisions, events."""

from __future__ import annotations

from django.contrib import admin

from trading.admin.records import RecordAdmin
from trading.models import (
    CommandReceipt,
    Decision,
    DecisionBatch,
    Event,
    MarketMinute,
    MarketSample,
    MinuteChange,
    Order,
    OutboxEntry,
    VolatilitySnapshot,
)


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    list_display = (
        "created_at",
        "market",
        "side",
        "price",
        "size",
        "filled",
        "status",
        "client_order_id",
        "parameter_version",
    )
    list_filter = ("status", "market", "side")
    search_fields = ("client_order_id", "venue_order_id", "correlation_id")
    list_select_related = ("market",)
    ordering = ("-created_at", "client_order_id")


@admin.register(Decision)
class DecisionAdmin(RecordAdmin):
    list_display = ("at", "market", "outcome", "reason", "parameter_version", "code_version", "duration_ms", "cycle_id")
    list_filter = ("market", "outcome")
    search_fields = ("cycle_id", "reason")
    ordering = ("-at", "-id")


@admin.register(DecisionBatch)
class DecisionBatchAdmin(RecordAdmin):
    list_display = ("first_at", "last_at", "market", "cycles")
    list_filter = ("market",)
    ordering = ("-id",)


@admin.register(MarketMinute)
class MarketMinuteAdmin(RecordAdmin):
    list_display = ("minute", "market", "cycles", "two_sided", "one_sided", "spread_bps_sum")
    list_filter = ("market",)
    list_select_related = ("market",)
    ordering = ("-minute", "market")


@admin.register(VolatilitySnapshot)
class VolatilitySnapshotAdmin(RecordAdmin):
    list_display = ("minute", "market", "sigma_raw", "sigma_effective", "regime", "samples", "is_warm")
    list_filter = ("market", "regime", "is_warm")
    list_select_related = ("market",)
    ordering = ("-minute", "market")


@admin.register(Event)
class EventAdmin(RecordAdmin):
    list_display = ("occurred_at", "type", "aggregate", "aggregate_seq", "actor_name", "correlation_id")
    list_filter = ("type",)
    search_fields = ("aggregate", "correlation_id", "actor_name")
    ordering = ("-id",)


@admin.register(OutboxEntry)
class OutboxEntryAdmin(RecordAdmin):
    list_display = ("event", "attempts", "last_error")
    list_select_related = ("event",)


@admin.register(CommandReceipt)
class CommandReceiptAdmin(RecordAdmin):
    list_display = ("created_at", "command", "key", "actor_id")
    search_fields = ("key", "actor_id")
    ordering = ("-created_at",)


@admin.register(MarketSample)
class MarketSampleAdmin(RecordAdmin):
    list_display = (
        "minute",
        "market",
        "state",
        "regime",
        "reference_price",
        "market_spread_bps",
        "our_spread_bps",
        "depth_1_bid_quote",
        "depth_1_ask_quote",
        "market_volume_quote",
    )
    list_filter = ("market", "state", "regime")
    list_select_related = ("market",)
    ordering = ("-minute", "market")


@admin.register(MinuteChange)
class MinuteChangeAdmin(RecordAdmin):
    list_display = ("minute", "market", "source")
    list_filter = ("market", "source")
    list_select_related = ("market",)
    ordering = ("id",)
