"""Makes the adapter of one of our accounts from its markets and the environment."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from trading.clock import Clock
from trading.venues.credentials import MissingCredential, read_credential
from trading.venues.identity import MarketIdentity
from trading.venues.interface import Venue

# Adapter name in the registry → module and whether its credential has a passphrase. Modules load only when used.
ADAPTERS: Mapping[str, tuple[str, bool]] = {
    "ton_dex": ("trading.venues.ton_dex", False),
    "ccxt_okx": ("trading.venues.ccxt_okx", True),
}


class AdapterModule(Protocol):
    """What the module of an adapter offers."""

    def open_adapter(self, **settings: object) -> Venue: ...


class UnknownAdapter(Exception):
    """The registry names an adapter that does not exist, or an account without markets."""


def venue_url(venue_slug: str, environ: Mapping[str, str] | None = None) -> str:
    """Address of a venue without a trailing slash. Raises `MissingCredential` naming the variable that is not set."""
    name = f"VENUE_{venue_slug.upper().replace('-', '_')}_URL"
    value = (os.environ if environ is None else environ).get(name, "").rstrip("/")
    if not value:
        raise MissingCredential(f"venue {venue_slug} has no address: set {name}, for example http://127.0.0.1:9001")
    if not value.startswith(("http://", "https://")):
        raise MissingCredential(f"{name} must start with http:// or https://")
    return value


def open_venue(
    market_refs: Sequence[MarketIdentity],
    account_slug: str,
    clock: Clock,
    *,
    environ: Mapping[str, str] | None = None,
    seed: int = 1,
    known: Sequence[MarketIdentity] = (),
) -> Venue:
    """The adapter of account `account_slug` for those of `market_refs` that are its own; call `open()` on it next.

    Raises `UnknownAdapter` or `MissingCredential`, each naming what to put right. `seed` is of the back-off's jitter.
    `known`: markets of the registry that are not traded now, by whose names late fills are told.
    """
    markets = tuple(ref for ref in market_refs if ref.account == account_slug)
    if not markets:
        raise UnknownAdapter(f"no active market is traded through account {account_slug!r}")
    found = ADAPTERS.get(markets[0].adapter)
    if found is None:
        names = ", ".join(sorted(ADAPTERS))
        raise UnknownAdapter(f"venue {markets[0].venue} names adapter {markets[0].adapter!r}; there are: {names}")
    module_name, passphrase = found
    module = cast(AdapterModule, importlib.import_module(module_name))
    return module.open_adapter(
        markets=markets,
        account=account_slug,
        base_url=venue_url(markets[0].venue, environ),
        credential=read_credential(account_slug, passphrase=passphrase, environ=environ),
        clock=clock,
        seed=seed,
        known=tuple(ref for ref in known if ref.account == account_slug),
    )
