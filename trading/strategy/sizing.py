"""Order size of one side: permission, taper, notional, balance, lot step, minimums."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from trading.risk.side import Side, adds_exposure
from trading.risk.states import SidePermission
from trading.strategy.parameters import QuoteParameters
from trading.strategy.quote_types import Balances, MarketRules, QuoteReason
from trading.strategy.rounding import CONTEXT, ZERO, floor_to_step

_ONE: Final = Decimal(1)
_BPS: Final = Decimal(10_000)


# A size in base units, and the reason that holds if it is what leaves nothing to quote.
SizeLimit = tuple[Decimal, QuoteReason]


def taper(side: Side, q_lots: float, parameters: QuoteParameters) -> float:
    """Share of the order size that may be quoted, 0 to 1.

    1 on the side that lowers exposure; on the other it falls linearly from 1 at `q_soft_lots` to 0 at
    `q_hard_lots` of distance from target.
    """
    if not adds_exposure(side, q_lots):
        return 1.0
    width = parameters.q_hard_lots - parameters.q_soft_lots
    if width <= 0.0:
        return 1.0 if abs(q_lots) < parameters.q_hard_lots else 0.0
    return min(max((parameters.q_hard_lots - abs(q_lots)) / width, 0.0), 1.0)


def size_fn(side: Side, q_lots: float, parameters: QuoteParameters, market: MarketRules) -> Decimal:
    """Order size in base units after the taper, not yet rounded to the lot step."""
    full = CONTEXT.multiply(parameters.order_size_lots, market.lot_size)
    share = taper(side, q_lots, parameters)
    return full if share == 1.0 else CONTEXT.multiply(full, Decimal(share))


def balance_limit(side: Side, price: Decimal, balances: Balances, market: MarketRules) -> SizeLimit:
    """Largest size the balance covers; a bid also pays the fee the venue holds."""
    free = balances.quote if side is Side.BUY else balances.base
    if free is None:
        return ZERO, QuoteReason.BALANCE_UNKNOWN
    if side is Side.BUY:
        unit_cost = CONTEXT.multiply(price, CONTEXT.add(_ONE, CONTEXT.divide(market.max_fee_bps, _BPS)))
        free = CONTEXT.divide(free, unit_cost)
    return max(free, ZERO), QuoteReason.INSUFFICIENT_BALANCE


def permitted_size(
    side: Side,
    price: Decimal,
    q_lots: float,
    permission: SidePermission,
    balances: Balances,
    parameters: QuoteParameters,
    market: MarketRules,
) -> tuple[Decimal, QuoteReason | None]:
    """Size to quote at `price`, or 0 with the reason.

    In a reducing state a size never exceeds the distance from target, so that a fill can't turn it over.
    """
    if permission is SidePermission.NONE:
        return ZERO, QuoteReason.STATE_FORBIDS
    reducing = permission is SidePermission.REDUCE_ONLY
    if reducing and adds_exposure(side, q_lots):
        return ZERO, QuoteReason.ONLY_REDUCING
    full = CONTEXT.multiply(parameters.order_size_lots, market.lot_size)
    limits: list[SizeLimit] = [
        (full, QuoteReason.BELOW_MINIMUM_SIZE),
        (size_fn(side, q_lots, parameters, market), QuoteReason.INVENTORY_LIMIT),
        (CONTEXT.divide(parameters.max_notional_per_side, price), QuoteReason.NOTIONAL_LIMIT),
        balance_limit(side, price, balances, market),
    ]
    if reducing:
        distance = CONTEXT.multiply(Decimal(abs(q_lots)), market.lot_size)
        limits.append((distance, QuoteReason.ONLY_REDUCING))
    # The first of equals wins: a taper that does not bite is never named as the cause.
    size, cause = limits[0]
    for limit, reason in limits[1:]:
        if limit < size:
            size, cause = limit, reason
    return _checked(floor_to_step(size, market.lot_step), cause, price, market)


def _checked(
    size: Decimal, cause: QuoteReason, price: Decimal, market: MarketRules
) -> tuple[Decimal, QuoteReason | None]:
    """`size` if the venue takes it, else 0 with the limit that made it too small."""
    if size <= ZERO or size < market.min_size:
        return ZERO, cause
    if CONTEXT.multiply(price, size) < market.min_notional:
        own_size = cause is QuoteReason.BELOW_MINIMUM_SIZE
        return ZERO, QuoteReason.BELOW_MINIMUM_NOTIONAL if own_size else cause
    return size, None
