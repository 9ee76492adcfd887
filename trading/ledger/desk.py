"""Which markets, accounts and assets the ledger may book on: identity only, read once per batch."""

from __future__ import annotations

from dataclasses import dataclass

from trading.hot_state.values import RawFill, RawFunding
from trading.models import Asset, Market, VenueAccount


@dataclass(frozen=True, slots=True)
class LedgerMarket:
    """A market as the ledger needs it; `base` and `quote` are asset ids. Inactive markets too: their late
    fills count. A perpetual holds no base.
    """

    id: int
    slug: str
    venue: str
    account: str
    account_id: int
    symbol: str
    base: str
    quote: str
    is_perpetual: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """The registry by the names that inbox entries carry."""

    markets: dict[str, LedgerMarket]
    accounts: dict[tuple[str, str], int]
    assets: frozenset[str]

    def market_of_fill(self, fill: RawFill | RawFunding) -> LedgerMarket | None:
        """The market of a fill or funding payment, only where slug, venue, account and symbol all agree."""
        market = self.markets.get(fill.market)
        if market is None or (market.venue, market.account, market.symbol) != (fill.venue, fill.account, fill.symbol):
            return None
        return market

    def market_holding(self, account_id: int, asset: str) -> LedgerMarket | None:
        """The market whose position a deposit of `asset` goes into: of the account's markets that hold this base,
        the oldest.
        """
        found = [
            m for m in self.markets.values() if m.account_id == account_id and m.base == asset and not m.is_perpetual
        ]
        return min(found, key=lambda market: market.id, default=None)

    def is_quote(self, account_id: int, asset: str) -> bool:
        """Whether some market of the account is priced in `asset`."""
        return any(m.account_id == account_id and m.quote == asset for m in self.markets.values())


def read_desk() -> Desk:
    """The registry as it is now."""
    rows = Market.objects.select_related("account__venue").order_by("pk")
    markets = {
        row.slug: LedgerMarket(
            id=row.pk,
            slug=row.slug,
            venue=row.account.venue.slug,
            account=row.account.slug,
            account_id=row.account_id,
            symbol=row.venue_symbol,
            base=row.base_id,
            quote=row.quote_id,
            is_perpetual=row.instrument == Market.Instrument.LINEAR_PERPETUAL,
        )
        for row in rows
    }
    accounts = {(row.venue.slug, row.slug): row.pk for row in VenueAccount.objects.select_related("venue")}
    return Desk(markets, accounts, frozenset(Asset.objects.values_list("pk", flat=True)))
