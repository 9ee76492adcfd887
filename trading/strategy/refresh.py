"""Keep or replace a resting order: queue position against what may rest now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trading.risk.side import Side
from trading.strategy.parameters import QuoteParameters
from trading.strategy.quote_types import SideQuote
from trading.strategy.rounding import CONTEXT, ZERO

_BPS: Final = Decimal("0.0001")
_PERCENT: Final = Decimal(100)


class RefreshAction(StrEnum):
    """What to do with one side's slot."""

    KEEP = "keep"
    PLACE = "place"
    REPLACE = "replace"
    CANCEL = "cancel"
    NOTHING = "nothing"


class RefreshReason(StrEnum):
    """Why; for CANCEL the target's own reason says more."""

    NO_ORDER = "no_order"
    NO_TARGET = "no_target"
    WITHIN_TOLERANCE = "within_tolerance"
    LARGER_THAN_ALLOWED = "larger_than_allowed"
    PAST_REFERENCE = "past_reference"
    CROSSES_BOOK = "crosses_book"
    PRICE_MOVED = "price_moved"
    SMALLER_THAN_TARGET = "smaller_than_target"


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An own order known to rest: price (quote per base) and what remains of it (base)."""

    side: Side
    price: Decimal
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class RefreshDecision:
    action: RefreshAction
    reason: RefreshReason


def keep_or_replace(
    current: RestingOrder | None,
    target: SideQuote,
    reference_price: float,
    parameters: QuoteParameters,
    best_opposite: Decimal | None = None,
) -> RefreshDecision:
    """Decide about one slot.

    What may not rest goes first: no target on this side (state, risk, taper, balance), more size than allowed
    now, a price past the reference or through the foreign opposite best. Only then do the tolerances
    `refresh_tolerance_bps` (of the reference) and `refresh_size_tolerance_pct` keep an order in its queue.

    Raises:
        ValueError: `current` is an order of the other side.
    """
    if current is not None and current.side is not target.side:
        raise ValueError(f"a {current.side} order can't fill the slot of a {target.side} quote")
    if target.reason is not None or target.price is None:
        if current is None:
            return RefreshDecision(RefreshAction.NOTHING, RefreshReason.NO_TARGET)
        return RefreshDecision(RefreshAction.CANCEL, RefreshReason.NO_TARGET)
    if current is None:
        return RefreshDecision(RefreshAction.PLACE, RefreshReason.NO_ORDER)
    reference = Decimal(reference_price)
    forbidden = _forbidden(current, target, reference, best_opposite)
    if forbidden is not None:
        return RefreshDecision(RefreshAction.REPLACE, forbidden)
    tolerance = CONTEXT.multiply(CONTEXT.multiply(reference, _BPS), Decimal(parameters.refresh_tolerance_bps))
    if CONTEXT.abs(CONTEXT.subtract(current.price, target.price)) > tolerance:
        return RefreshDecision(RefreshAction.REPLACE, RefreshReason.PRICE_MOVED)
    short_of_target = CONTEXT.divide(Decimal(parameters.refresh_size_tolerance_pct), _PERCENT)
    if CONTEXT.subtract(target.size, current.remaining) > CONTEXT.multiply(target.size, short_of_target):
        return RefreshDecision(RefreshAction.REPLACE, RefreshReason.SMALLER_THAN_TARGET)
    return RefreshDecision(RefreshAction.KEEP, RefreshReason.WITHIN_TOLERANCE)


def _forbidden(
    current: RestingOrder, target: SideQuote, reference: Decimal, best_opposite: Decimal | None
) -> RefreshReason | None:
    """Why this order would not be placed now, whatever the tolerance; None if it would."""
    if current.remaining > target.size or current.remaining <= ZERO:
        return RefreshReason.LARGER_THAN_ALLOWED
    is_bid = current.side is Side.BUY
    if current.price >= reference if is_bid else current.price <= reference:
        return RefreshReason.PAST_REFERENCE
    if best_opposite is not None and (current.price >= best_opposite if is_bid else current.price <= best_opposite):
        return RefreshReason.CROSSES_BOOK
    return None
