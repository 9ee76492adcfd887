"""The arithmetic of linear perpetuals: what a fill settles, what margin is in use, what a funding pays.

Pure functions. Sizes are contracts, positive = long; prices are in quote; money is in the settle asset (the quote) with 8
decimals, half to even, margin up. Intermediate values are exact: 60 digits hold every product of what the exchange
accepts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, localcontext

from trading.sandbox.types import Instrument, Side

ZERO = Decimal(0)
MONEY_STEP = Decimal("1E-8")
ENTRY_STEP = Decimal("1E-18")
EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account holds of one perpetual. `entry_price` is 0 when flat; `updated_ns`: last fill."""

    size: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    updated_ns: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What an open order may still do: `size` is its unfilled part."""

    side: Side
    price: Decimal
    size: Decimal


def after_fill(
    holding: Holding, instrument: Instrument, side: Side, price: Decimal, size: Decimal, now_ns: int
) -> tuple[Holding, Decimal]:
    """The holding after a fill, and the P&L that the fill settles.

    The average entry changes only when a position grows: weighted by size, to 18 decimals, half to even; a position
    that turns starts at the fill's price.
    """
    with localcontext(EXACT):
        signed = size if side is Side.BUY else -size
        total = holding.size + signed
        settled, entry = ZERO, holding.entry_price
        if holding.size * signed >= 0:
            worth = abs(holding.size) * entry + size * price
            entry = plain((worth / abs(total)).quantize(ENTRY_STEP, ROUND_HALF_EVEN))
        else:
            closed = min(abs(holding.size), size).copy_sign(holding.size)
            settled = plain(
                (closed * instrument.contract_value * (price - entry)).quantize(MONEY_STEP, ROUND_HALF_EVEN)
            )
            if total * holding.size <= 0:
                entry = price if total else ZERO
        return Holding(total, entry, plain(holding.realised_pnl + settled), now_ns), settled


def unrealised_pnl(holding: Holding, instrument: Instrument, mark: Decimal | None) -> Decimal:
    """What closing at the mark would settle; 0 without a mark."""
    if mark is None or not holding.size:
        return ZERO
    with localcontext(EXACT):
        exact = holding.size * instrument.contract_value * (mark - holding.entry_price)
        return plain(exact.quantize(MONEY_STEP, ROUND_HALF_EVEN))


def position_margin(holding: Holding, instrument: Instrument) -> Decimal:
    """Initial margin of the position's entry notional, to 8 decimals, up."""
    with localcontext(EXACT):
        return _up(_of_position(holding, instrument))


def margin_in_use(holding: Holding, instrument: Instrument, orders: Iterable[Terms]) -> Decimal:
    """Margin of the position, and of what the open orders of the heavier side would open; to 8 decimals, up."""
    with localcontext(EXACT):
        sums = {Side.BUY: (ZERO, ZERO), Side.SELL: (ZERO, ZERO)}
        for order in orders:
            size, notional = sums[order.side]
            sums[order.side] = (size + order.size, notional + instrument.notional(order.price, order.size))
        rate = instrument.initial_margin + max(instrument.maker_fee, instrument.taker_fee, ZERO)
        opening = ZERO
        for side, (size, notional) in sums.items():
            closing = max(ZERO, -holding.size if side is Side.BUY else holding.size)
            if size > closing:
                opening = max(opening, rate * notional * (size - closing) / size)
        return _up(_of_position(holding, instrument) + opening)


def funding_amount(size: Decimal, instrument: Instrument, mark: Decimal, rate: Decimal) -> Decimal:
    """What a position receives (negative: pays) at a funding."""
    with localcontext(EXACT):
        exact = -size * instrument.contract_value * mark * rate
        return plain(exact.quantize(MONEY_STEP, ROUND_HALF_EVEN))


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros or an exponent; never a negative zero."""
    return Decimal(format(value.normalize(EXACT), "f")) if value else ZERO


def _of_position(holding: Holding, instrument: Instrument) -> Decimal:
    return instrument.initial_margin * instrument.notional(holding.entry_price, abs(holding.size))


def _up(value: Decimal) -> Decimal:
    return plain(value.quantize(MONEY_STEP, ROUND_CEILING))
