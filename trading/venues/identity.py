"""Which market of the venue is which of ours: a ticker is no identity, so the venue's own market list decides at open()."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from trading.venues.interface import NotSent, RejectReason, VenueRejected

NEARBY = 5


class MarketIdentity(Protocol):
    """What an adapter must know of one of our markets (registry's `MarketRef` is one). `base` and `quote` are asset ids."""

    @property
    def slug(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def venue(self) -> str: ...
    @property
    def adapter(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def venue_symbol(self) -> str: ...


@dataclass(frozen=True, slots=True)
class VenueListing:
    """A market as the venue lists it: its symbol there and its codes of the two assets."""

    symbol: str
    base: str
    quote: str


class Identities:
    """Our slugs ↔ the venue's symbols, our asset ids ↔ the venue's currency codes, for one account."""

    def __init__(self) -> None:
        self._symbol_of: dict[str, str] = {}
        self._slug_of: dict[str, str] = {}
        self._asset_of: dict[str, str] = {}

    def bind(
        self,
        markets: Iterable[MarketIdentity],
        listings: Iterable[VenueListing],
        known: Iterable[MarketIdentity] = (),
    ) -> None:
        """Find every market in the venue's list. Raises VenueRejected(UNKNOWN_MARKET) naming what the venue offers nearby.

        `known`: markets of ours that are not traded now, listed or not; what the venue still tells of them gets their
        names, and they can refuse nothing.
        """
        by_symbol = {listing.symbol: listing for listing in listings}
        found = [(market, _listing(market, by_symbol)) for market in markets]
        for market, listing in found:
            self._bind_asset(listing.base, market.base)
            self._bind_asset(listing.quote, market.quote)
            self._symbol_of[market.slug] = listing.symbol
            self._slug_of[listing.symbol] = market.slug
        for market in known:
            self._recognise(market, by_symbol)

    def _recognise(self, market: MarketIdentity, by_symbol: Mapping[str, VenueListing]) -> None:
        try:
            listing = _listing(market, by_symbol)
        except VenueRejected:
            # Delisted: what we called it is all there is to go by.
            base, _, quote = _plain(market.venue_symbol).partition("/")
            listing = VenueListing(market.venue_symbol, base, quote)
        self._slug_of.setdefault(listing.symbol, market.slug)
        self._asset_of.setdefault(listing.base, market.base)
        self._asset_of.setdefault(listing.quote, market.quote)

    def _bind_asset(self, code: str, asset: str) -> None:
        known = self._asset_of.setdefault(code, asset)
        if known != asset:
            message = f"the venue's currency {code} would be both {known} and {asset}: check the registry's markets"
            raise VenueRejected(RejectReason.UNKNOWN_MARKET, message)

    def symbol(self, slug: str) -> str:
        """The venue's symbol of our market. Raises VenueRejected(UNKNOWN_MARKET), `NotSent` before the list was read."""
        if not self._symbol_of:
            raise NotSent("the venue connection is not open")
        try:
            return self._symbol_of[slug]
        except KeyError:
            known = ", ".join(sorted(self._symbol_of))
            message = f"this account does not trade market {slug!r}; it trades: {known}"
            raise VenueRejected(RejectReason.UNKNOWN_MARKET, message) from None

    def slug(self, symbol: str) -> str | None:
        """Our market of the venue's symbol, traded now or not; None for a market that is not ours."""
        return self._slug_of.get(symbol)

    def slugs(self) -> tuple[str, ...]:
        """Every market that is traded through this account."""
        return tuple(self._symbol_of)

    def asset(self, code: str) -> str:
        """Our asset id of the venue's currency; `venue:<code>` for one that no market of ours names."""
        return self._asset_of.get(code, f"venue:{code}")


def _plain(symbol: str) -> str:
    return symbol.replace("-", "/").replace("_", "/").upper()


def _listing(market: MarketIdentity, by_symbol: Mapping[str, VenueListing]) -> VenueListing:
    """Exact symbol first; else the one whose base and quote, as the venue names them, are those of the symbol."""
    exact = by_symbol.get(market.venue_symbol)
    if exact is not None:
        return exact
    wanted = _plain(market.venue_symbol)
    same_pair = [value for value in by_symbol.values() if _plain(f"{value.base}/{value.quote}") == wanted]
    if len(same_pair) == 1:
        return same_pair[0]
    near = get_close_matches(market.venue_symbol, by_symbol, NEARBY, 0.3) or sorted(by_symbol)[:NEARBY]
    offers = ", ".join(near) or "no market at all"
    message = f"venue {market.venue} does not list {market.venue_symbol!r} (market {market.slug}); it offers: {offers}"
    raise VenueRejected(RejectReason.UNKNOWN_MARKET, message)
