"""Rules of a single order about to be placed or amended, a function each; `refusal` is all of them, in their order.

They stand behind the sizing and the guardrails, which keep to the same bounds: what gets as far as being refused here is a
defect somewhere before, and must not leave the house.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.risk.side import Side
from trading.risk.verdict import ReasonCode

_ZERO: Final = Decimal(0)
_BPS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """`max_order_notional` and `max_side_notional` in quote units, distance in bps of the reference, requests per minute.
    `band_low` and `band_high`: the venue's own bounds on prices (None: none)."""

    max_order_notional: Decimal
    max_side_notional: Decimal
    max_distance_bps: Decimal
    max_requests_per_minute: int
    band_low: Decimal | None
    band_high: Decimal | None


@dataclass(frozen=True, slots=True)
class OwnResting:
    """An own order that may still fill."""

    side: Side
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order with what it meets. `resting`: own orders beside it that this decision does not move. Free balances None: not
    known. `requests_this_minute`: already sent."""

    side: Side
    price: Decimal
    size: Decimal
    reference: Decimal
    free_base: Decimal | None
    free_quote: Decimal | None
    resting: tuple[OwnResting, ...]
    requests_this_minute: int


def notional_per_order(facts: OrderFacts, limits: OrderLimits) -> ReasonCode | None:
    """Price times size is a sane amount."""
    notional = facts.price * facts.size
    if notional.is_finite() and _ZERO < notional <= limits.max_order_notional:
        return None
    return ReasonCode.NOTIONAL_PER_ORDER


def notional_per_side(facts: OrderFacts, limits: OrderLimits) -> ReasonCode | None:
    """Together with what rests on its side the order stays below the side's amount."""
    beside = _notional(one for one in facts.resting if one.side is facts.side)
    return None if beside + facts.price * facts.size <= limits.max_side_notional else ReasonCode.NOTIONAL_PER_SIDE


def balance_covers(facts: OrderFacts) -> ReasonCode | None:
    """What the order would hold is free: quote for a buy, base for a sell."""
    free, needed = (
        (facts.free_quote, facts.price * facts.size) if facts.side is Side.BUY else (facts.free_base, facts.size)
    )
    if free is None:
        return ReasonCode.BALANCE_UNKNOWN
    return None if needed <= free else ReasonCode.BALANCE_TOO_SMALL


def order_rate(facts: OrderFacts, limits: OrderLimits) -> ReasonCode | None:
    """Not more requests a minute than allowed."""
    return None if facts.requests_this_minute < limits.max_requests_per_minute else ReasonCode.ORDER_RATE


def price_band(facts: OrderFacts, limits: OrderLimits) -> ReasonCode | None:
    """The price lies within the venue's band, and not further from the reference than allowed."""
    low, high = limits.band_low, limits.band_high
    outside = (low is not None and facts.price < low) or (high is not None and facts.price > high)
    distance = abs(facts.price - facts.reference) * _BPS
    if outside or not facts.reference > _ZERO or distance > limits.max_distance_bps * facts.reference:
        return ReasonCode.PRICE_BAND
    return None


def self_cross(facts: OrderFacts) -> ReasonCode | None:
    """The order would not trade with one of our own."""
    if facts.side is Side.BUY:
        crossed = any(one.side is Side.SELL and one.price <= facts.price for one in facts.resting)
    else:
        crossed = any(one.side is Side.BUY and one.price >= facts.price for one in facts.resting)
    return ReasonCode.SELF_CROSS if crossed else None


def refusal(facts: OrderFacts, limits: OrderLimits) -> ReasonCode | None:
    """Why the order may not go; None when it may."""
    return (
        notional_per_order(facts, limits)
        or price_band(facts, limits)
        or self_cross(facts)
        or notional_per_side(facts, limits)
        or balance_covers(facts)
        or order_rate(facts, limits)
    )


def _notional(orders: Iterable[OwnResting]) -> Decimal:
    return sum((one.price * one.quantity for one in orders), _ZERO)
