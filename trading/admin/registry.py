"""Identity: assets, venues, accounts, markets."""

from __future__ import annotations

from django.contrib import admin

from trading.admin.records import GovernedRecord, RecordAdmin, RecordInline
from trading.models import Asset, AssetAlias, Market, Venue, VenueAccount


class AliasInline(RecordInline):
    model = AssetAlias


@admin.register(Asset)
class AssetAdmin(GovernedRecord):
    list_display = ("id", "name", "decimals", "chain_address", "version", "authorised_by")
    search_fields = ("id", "name", "aliases__ticker", "chain_address")
    inlines = [AliasInline]


@admin.register(AssetAlias)
class AssetAliasAdmin(RecordAdmin):
    list_display = ("ticker", "asset", "valid_from", "valid_until", "note")
    search_fields = ("ticker", "asset__id")
    list_select_related = ("asset",)


@admin.register(Venue)
class VenueAdmin(GovernedRecord):
    list_display = ("slug", "name", "kind", "adapter", "version", "authorised_by")
    list_filter = ("kind", "adapter")
    search_fields = ("slug", "name")


@admin.register(VenueAccount)
class VenueAccountAdmin(GovernedRecord):
    list_display = ("slug", "venue", "version", "authorised_by")
    list_filter = ("venue",)
    search_fields = ("slug",)


@admin.register(Market)
class MarketAdmin(GovernedRecord):
    list_display = ("slug", "venue_symbol", "account", "base", "quote", "instrument", "contract_value", "lot_size", "is_active",
                    "source_label", "demanded_gates", "version", "authorised_by")  # fmt: skip
    list_filter = ("is_active", "instrument", "account__venue")
    search_fields = ("slug", "venue_symbol")
    list_select_related = ("account", "base", "quote")
