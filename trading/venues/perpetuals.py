"""What the venue interface tells of perpetuals beyond what it tells of every market. Sizes are base units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """Funding of a perpetual, received (positive) or paid (negative). `payment_id` is its identity on the account's market;
    `mark_price` what it was computed at; `venue_ns` the funding time."""

    market: str
    payment_id: str
    asset: str
    amount: Decimal
    mark_price: Decimal | None
    venue_ns: int
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class FundingRate:
    """What the next funding of a perpetual costs a long position (fraction of its notional; a short receives it)."""

    market: str
    rate: Decimal
    funding_ns: int
    mark_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """A position on a perpetual as the venue keeps it: signed base quantity, average entry (None when flat)."""

    market: str
    q: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
