"""The perpetual of the sandbox venues as a market of ours, on the demonstration's exchange account unless told otherwise."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from trading.models import Asset, ExposureLimit, Market, TradingControl, VenueAccount
from trading.parameters.services import apply_version
from trading.parameters.starting_values import STARTING_VALUES

PERP = "eth-usdt-perp"
SYMBOLS = {"cex": "ETH-USDT-SWAP", "dex": "ETH/USDT:USDT"}
VENUE_SYMBOL = "ETH/USDT:USDT"  # as the venues' own engine names it
CONTRACT = Decimal("0.1")


def declare_perpetual(now: datetime, venue: str = "cex") -> None:
    """Asset, market, first parameters and control, where they are not there yet."""
    account = VenueAccount.objects.get(slug=f"{venue}-desk")
    Asset.objects.get_or_create(id="eth", defaults={"name": "Ether", "decimals": 18})
    limits = {"soft_limit": Decimal(4), "hard_limit": Decimal(5)}
    ExposureLimit.objects.get_or_create(scope="asset", key="eth", defaults=limits)
    found = Market.objects.filter(slug=PERP).first()
    if found is not None:
        Market.objects.filter(pk=found.pk).update(account=account, venue_symbol=SYMBOLS[venue], is_active=True)
        return
    start = STARTING_VALUES[PERP]
    market = Market.objects.create(
        slug=PERP, account=account, base_id="eth", quote_id="usdt", venue_symbol=SYMBOLS[venue],
        lot_size=Decimal(start.lot_size), instrument="linear_perpetual", contract_value=CONTRACT,
    )  # fmt: skip
    TradingControl.objects.create(
        scope=PERP, state="ACTIVE", reason="test", actor_id="test", actor_name="test", changed_at=now
    )
    apply_version(
        market, start.values, authorised_by="genesis", actor_id="test", actor_name="test", reason="test", now=now
    )
