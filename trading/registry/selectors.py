"""What markets there are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.models import Market

SPOT, LINEAR_PERPETUAL = str(Market.Instrument.SPOT), str(Market.Instrument.LINEAR_PERPETUAL)


@dataclass(frozen=True, slots=True)
class MarketRef:
    """Identity of one market, for rooms that must not touch the database. Slugs and asset ids are the portal's own.

    `instrument` is spot or linear_perpetual; `contract_value` the base units of one unit of size on the venue.
    """

    id: int
    slug: str
    account: str
    venue: str
    adapter: str
    base: str
    quote: str
    venue_symbol: str
    lot_size: Decimal
    source_label: str
    instrument: str = SPOT
    contract_value: Decimal = Decimal(1)

    @property
    def is_perpetual(self) -> bool:
        """Whether it holds no base: its position is on the venue's books, not in a balance."""
        return self.instrument == LINEAR_PERPETUAL


class UnknownMarket(Exception):
    """No such market; the message names those there are."""


def _ref(market: Market) -> MarketRef:
    account = market.account
    return MarketRef(
        id=market.pk,
        slug=market.slug,
        account=account.slug,
        venue=account.venue.slug,
        adapter=account.venue.adapter,
        base=market.base_id,
        quote=market.quote_id,
        venue_symbol=market.venue_symbol,
        lot_size=market.lot_size,
        source_label=market.source_label,
        instrument=market.instrument,
        contract_value=market.contract_value,
    )


def active_markets() -> tuple[MarketRef, ...]:
    """Every active market, by id."""
    rows = Market.objects.filter(is_active=True).select_related("account__venue").order_by("pk")
    return tuple(_ref(row) for row in rows)


def known_markets() -> tuple[MarketRef, ...]:
    """Every market, also those switched off (their late fills count), by id."""
    return tuple(_ref(row) for row in Market.objects.select_related("account__venue").order_by("pk"))


def account_markets(account: str) -> tuple[MarketRef, ...]:
    """Every market of one venue account, also those switched off, by id."""
    return tuple(ref for ref in known_markets() if ref.account == account)


def market_ref(slug: str) -> MarketRef:
    """The market called `slug`. Raises `UnknownMarket`."""
    row = Market.objects.filter(slug=slug).select_related("account__venue").first()
    if row is None:
        known = (
            ", ".join(Market.objects.order_by("slug").values_list("slug", flat=True))
            or "none yet: run `manage.py bootstrap`"
        )
        raise UnknownMarket(f"there is no market {slug!r}; known markets: {known}")
    return _ref(row)
