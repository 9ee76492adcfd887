"""Adapter for venues that speak the OKX v5 wire format, through ccxt. The first `open()` loads ccxt (slim_import)."""

from __future__ import annotations

from collections.abc import Sequence

from trading.clock import Clock
from trading.venues.ccxt_okx.adapter import CcxtOkxVenue
from trading.venues.credentials import Credential
from trading.venues.identity import MarketIdentity
from trading.venues.interface import Venue


def open_adapter(
    *,
    markets: Sequence[MarketIdentity],
    account: str,
    base_url: str,
    credential: Credential,
    clock: Clock,
    seed: int,
    known: Sequence[MarketIdentity] = (),
) -> Venue:
    """What `trading.venues.factory` calls."""
    return CcxtOkxVenue(markets, account, base_url, credential, clock, seed=seed, known=known)
