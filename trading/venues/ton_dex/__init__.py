"""Adapter for venues that speak the TON-DEX API (docs/sandbox-venue.md)."""

from __future__ import annotations

from collections.abc import Sequence

from trading.clock import Clock
from trading.venues.credentials import Credential
from trading.venues.identity import MarketIdentity
from trading.venues.interface import Venue
from trading.venues.ton_dex.adapter import TonDexVenue


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
    return TonDexVenue(markets, account, base_url, credential, clock, seed=seed, known=known)
