"""Declaring a desk: assets, venues, accounts, markets, and their genesis parameters and controls."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from trading.events.services import record
from trading.models import (
    Asset,
    AssetAlias,
    ExposureLimit,
    Market,
    TradingControl,
    Venue,
    VenueAccount,
)
from trading.parameters.services import apply_version
from trading.parameters.starting_values import STARTING_VALUES
from trading.registry import demo

GENESIS_ACTOR = ("bootstrap", "bootstrap")
DESK_SCOPE = "desk"


def declare_demo_desk(now: datetime) -> list[str]:
    """Write the demonstration's registry, genesis parameters, limits and controls; returns the market slugs. One transaction."""
    with transaction.atomic():
        _declare_identity()
        for scope, key, soft, hard in demo.EXPOSURE_LIMITS:
            ExposureLimit.objects.create(scope=scope, key=key, soft_limit=soft, hard_limit=hard, applied_at=now)
        _set_genesis_control(DESK_SCOPE, now)
        for market in Market.objects.order_by("pk"):
            _set_genesis_control(market.slug, now)
            apply_version(
                market,
                STARTING_VALUES[market.slug].values,
                authorised_by="genesis",
                actor_id=GENESIS_ACTOR[0],
                actor_name=GENESIS_ACTOR[1],
                reason="Starting values, fitted to the market's record (docs/parameters.md).",
                now=now,
            )
    return [market.slug for market in demo.MARKETS]


def _declare_identity() -> None:
    for asset_id, name, decimals in demo.ASSETS:
        Asset.objects.create(id=asset_id, name=name, decimals=decimals)
    for asset_id, ticker, since, until, note in demo.ALIASES:
        AssetAlias.objects.create(asset_id=asset_id, ticker=ticker, valid_from=since, valid_until=until, note=note)
    for slug, name, kind, adapter, account in demo.VENUES:
        venue = Venue.objects.create(slug=slug, name=name, kind=kind, adapter=adapter)
        VenueAccount.objects.create(venue=venue, slug=account)
    for item in demo.MARKETS:
        Market.objects.create(
            slug=item.slug,
            account=VenueAccount.objects.get(slug=item.account),
            base_id=item.base,
            quote_id=item.quote,
            venue_symbol=item.venue_symbol,
            lot_size=Decimal(STARTING_VALUES[item.slug].lot_size),
            source_label=item.source_label,
            instrument=item.instrument,
            contract_value=item.contract_value,
        )


def _set_genesis_control(scope: str, now: datetime) -> None:
    """The demonstration starts trading; a real desk starts PAUSED and is resumed by people."""
    TradingControl.objects.create(
        scope=scope, state="ACTIVE", reason="genesis of the demonstration", actor_id=GENESIS_ACTOR[0],
        actor_name=GENESIS_ACTOR[1], changed_at=now,
    )  # fmt: skip
    record(
        f"control:{scope}",
        "control.changed",
        {"scope": scope, "from": None, "to": "ACTIVE", "reason": "genesis of the demonstration"},
        actor_id=GENESIS_ACTOR[0],
        actor_name=GENESIS_ACTOR[1],
        occurred_at=now,
    )
