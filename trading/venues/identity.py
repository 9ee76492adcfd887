"""Which market of the venue is which of ours: a ticker is no identity, so the venue's own market list decides at open().

Also what one unit of size is worth there: a perpetual's sizes are contracts on the wire and base units on our side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Protocol

from trading.venues.interface import InstrumentKind, NotSent, RejectReason, VenueRejected

NEARBY = 5
ONE = Decimal(1)


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
    @property
    def instrument(self) -> str: ...
    @property
    def contract_value(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class VenueListing:
    """A market as the venue lists it: its symbol there, its codes of the two assets, and the base units of one unit of size."""

    symbol: str
    base: str
    quote: str
    instrument: InstrumentKind = InstrumentKind.SPOT
    contract_value: Decimal = ONE


class Identities:
    """Our slugs ↔ the venue's symbols, our asset ids ↔ the venue's currency codes, for one account."""

    def __init__(self) -> None:
        self._symbol_of: dict[str, str] = {}
        self._slug_of: dict[str, str] = {}
        self._asset_of: dict[str, str] = {}
        self._contract_of: dict[str, Decimal] = {}

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
        for listing in by_symbol.values():
            self._contract_of[listing.symbol] = listing.contract_value
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
            base, _, rest = _plain(market.venue_symbol).partition("/")
            quote = rest.replace(":", "/").partition("/")[0]
            kind = InstrumentKind(market.instrument)
            listing = VenueListing(market.venue_symbol, base, quote, kind, market.contract_value)
            self._contract_of.setdefault(listing.symbol, listing.contract_value)
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

    def contract_value(self, symbol: str) -> Decimal:
        """Base units of one unit of size on the venue's market `symbol`; 1 for one that nobody told us of."""
        return self._contract_of.get(symbol, ONE)

    def base_size(self, symbol: str, size: Decimal) -> Decimal:
        """A size as the venue writes it, in base units."""
        contract = self.contract_value(symbol)
        return size if contract == ONE else size * contract

    def wire_size(self, symbol: str, size: Decimal) -> Decimal:
        """A base size as the venue wants it. Raises VenueRejected(BAD_SIZE) for one that is no number of contracts."""
        contract = self.contract_value(symbol)
        if contract == ONE:
            return size
        contracts = size / contract
        if contracts * contract != size:
            raise VenueRejected(RejectReason.BAD_SIZE, f"{size} is no number of contracts of {contract}")
        return contracts

    def asset(self, code: str) -> str:
        """Our asset id of the venue's currency; `venue:<code>` for one that no market of ours names."""
        return self._asset_of.get(code, f"venue:{code}")


def _plain(symbol: str) -> str:
    return symbol.replace("-", "/").replace("_", "/").upper()


def _listing(market: MarketIdentity, by_symbol: Mapping[str, VenueListing]) -> VenueListing:
    """Exact symbol first; else the one of its kind whose base and quote, as the venue names them, are those of the symbol."""
    exact = by_symbol.get(market.venue_symbol)
    if exact is not None:
        return _checked(market, exact)
    wanted = _plain(market.venue_symbol)
    same_pair = [
        value
        for value in by_symbol.values()
        if _plain(f"{value.base}/{value.quote}") == wanted and value.instrument == market.instrument
    ]
    if len(same_pair) == 1:
        return _checked(market, same_pair[0])
    near = get_close_matches(market.venue_symbol, by_symbol, NEARBY, 0.3) or sorted(by_symbol)[:NEARBY]
    offers = ", ".join(near) or "no market at all"
    message = f"venue {market.venue} does not list {market.venue_symbol!r} (market {market.slug}); it offers: {offers}"
    raise VenueRejected(RejectReason.UNKNOWN_MARKET, message)


def _checked(market: MarketIdentity, listing: VenueListing) -> VenueListing:
    """The listing, if it is what the registry takes it for: a contract of another size would put every quantity wrong."""
    if (listing.instrument, listing.contract_value) == (market.instrument, market.contract_value):
        return listing
    theirs = f"{listing.instrument} of {listing.contract_value}"
    ours = f"{market.instrument} of {market.contract_value}"
    message = f"{listing.symbol} is {theirs} at venue {market.venue}, and {ours} in the registry (market {market.slug})"
    raise VenueRejected(RejectReason.UNKNOWN_MARKET, message)
