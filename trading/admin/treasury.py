"""The treasury: wallets and balances, buybacks, rewards."""

from __future__ import annotations

from django.contrib import admin

from trading.admin.records import RecordAdmin
from trading.models.treasury import (
    Buyback,
    BuybackProgramme,
    RewardEpoch,
    RewardPayout,
    TreasuryBalance,
    TreasuryDeclaration,
    TreasuryWallet,
)


@admin.register(TreasuryDeclaration)
class TreasuryDeclarationAdmin(RecordAdmin):
    list_display = ("id", "is_demo", "declared_at")


@admin.register(TreasuryWallet)
class TreasuryWalletAdmin(RecordAdmin):
    list_display = ("slug", "label", "purpose", "network", "address", "is_demo", "registered_at", "retired_at")
    list_filter = ("purpose", "network")
    search_fields = ("slug", "label", "address")
    ordering = ("slug",)


@admin.register(TreasuryBalance)
class TreasuryBalanceAdmin(RecordAdmin):
    list_display = ("observed_at", "wallet", "asset", "amount", "source", "block_seqno", "is_demo")
    list_filter = ("wallet", "asset")
    list_select_related = ("wallet", "asset")
    ordering = ("-observed_at", "-id")


@admin.register(BuybackProgramme)
class BuybackProgrammeAdmin(RecordAdmin):
    list_display = (
        "slug", "market", "wallet", "status", "execution_cap_quote", "day_cap_quote", "total_cap_quote", "interval_s",
        "starts_at", "ends_at", "is_demo",
    )  # fmt: skip
    list_filter = ("status",)
    list_select_related = ("market", "wallet")
    search_fields = ("slug", "purpose")
    ordering = ("slug",)


@admin.register(Buyback)
class BuybackAdmin(RecordAdmin):
    list_display = (
        "at",
        "programme",
        "outcome",
        "reason",
        "size",
        "price",
        "reference_price",
        "cost",
        "reference",
        "is_demo",
    )
    list_filter = ("outcome", "reason", "programme")
    list_select_related = ("programme",)
    search_fields = ("reference",)
    ordering = ("-at", "-id")


@admin.register(RewardEpoch)
class RewardEpochAdmin(RecordAdmin):
    list_display = ("number", "starts_at", "ends_at", "asset", "cap", "budget", "computed_at", "is_demo")
    list_select_related = ("asset",)
    ordering = ("-number",)


@admin.register(RewardPayout)
class RewardPayoutAdmin(RecordAdmin):
    list_display = ("epoch", "participant", "score", "amount", "paid_at", "reference", "is_demo")
    list_filter = ("epoch",)
    list_select_related = ("epoch",)
    search_fields = ("participant", "reference")
    ordering = ("-epoch", "participant")
