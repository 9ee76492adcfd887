"""How much of a difference between balances is nothing but entries of the venue's history that the ledger has yet to book.

Fills come while two sides are compared, and a ledger that was stopped is behind by many: their money is missing too, and is no
second difference. What remains after them is (`Difference.rest`). Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from trading.clock import to_datetime
from trading.ledger.arithmetic import add, quantise, value
from trading.ledger.own_books import MarketBooks, OwnBooks
from trading.ledger.venue_books import VenueBooks, identity
from trading.venues.interface import OwnFill, Side

# A venue may charge a fee before it tells it; none is larger than this part of its fill, and none is told later.
LARGEST_FEE = Decimal("0.01")
FEE_TOLD_WITHIN = timedelta(minutes=10)


def in_flight(venue: VenueBooks, own: OwnBooks) -> dict[str, Decimal]:
    """By asset, what the venue holds more than the ledger because of fills, fees, transfers and funding that can still be booked.

    Contradictions account for nothing: what the ledger has otherwise than the venue is not on its way.
    """
    sums: dict[str, Decimal] = {}
    for fill in {identity(each): each for each in venue.fills}.values():
        market = own.market(fill.market)
        if market is None:
            continue  # nobody can book it
        booked = own.fills.get(identity(fill))
        if booked is None:
            _move(sums, fill, market)
        elif booked.fee is None and not booked.fee_waits:
            _move_fee(sums, fill)
    for transfer in {each.transfer_id: each for each in venue.transfers}.values():
        if transfer.transfer_id not in own.transfers:
            _add(sums, transfer.asset, quantise(transfer.amount))
    for payment in {(each.market, each.payment_id): each for each in venue.funding}.values():
        if (payment.market, payment.payment_id) not in own.funding and own.market(payment.market) is not None:
            _add(sums, payment.asset, quantise(payment.amount))
    return sums


def positions_in_flight(venue: VenueBooks, own: OwnBooks) -> dict[str, Decimal]:
    """By perpetual, what the venue's position is more than ours because of fills that can still be booked (base)."""
    sums: dict[str, Decimal] = {}
    for fill in {identity(each): each for each in venue.fills}.values():
        market = own.market(fill.market)
        if market is not None and market.is_perpetual and identity(fill) not in own.fills:
            _add(sums, market.slug, quantise(fill.size) if fill.side is Side.BUY else -quantise(fill.size))
    return sums


def fees_not_told(venue: VenueBooks, own: OwnBooks, now: datetime) -> dict[str, Decimal]:
    """By asset, the most that fees may have cost which the venue has charged and not told yet."""
    most: dict[str, Decimal] = {}
    for fill in venue.fills:
        market = own.market(fill.market)
        if fill.fee is None and market is not None and now - to_datetime(fill.venue_ns) <= FEE_TOLD_WITHIN:
            if not market.is_perpetual:
                _add(most, market.base, value(fill.size, LARGEST_FEE))
            _add(most, market.quote, value(value(fill.size, fill.price), LARGEST_FEE))
    return most


def _move(sums: dict[str, Decimal], fill: OwnFill, market: MarketBooks) -> None:
    if market.is_perpetual:
        # No asset changes hands: what was closed is settled in the quote.
        _add(sums, market.quote, quantise(fill.realised_pnl or Decimal(0)))
        _move_fee(sums, fill)
        return
    sign = 1 if fill.side is Side.BUY else -1
    _add(sums, market.base, sign * quantise(fill.size))
    _add(sums, market.quote, -sign * value(quantise(fill.size), quantise(fill.price)))
    _move_fee(sums, fill)


def _move_fee(sums: dict[str, Decimal], fill: OwnFill) -> None:
    if fill.fee is not None and fill.fee_asset:
        _add(sums, fill.fee_asset, -quantise(fill.fee))


def _add(sums: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    sums[asset] = add(sums.get(asset, Decimal(0)), amount)
