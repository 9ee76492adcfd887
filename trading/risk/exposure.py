"""Worst-case exposure: what the position becomes if every order that may still fill does fill.

Quantities are base units as `Decimal`; exposure is measured as distance from the target position. An order
counts in full until the venue's word that it is gone: sent but unanswered, unknown, and cancel-pending orders
may all still fill. Of an unconfirmed amend the larger size counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trading.risk.side import Side
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Rule, Verdict

_ZERO: Final = Decimal(0)


class OrderPhase(StrEnum):
    """Where an order stands, as far as exposure is concerned."""

    IN_FLIGHT = "in_flight"
    LIVE = "live"
    UNKNOWN = "unknown"
    CANCEL_PENDING = "cancel_pending"
    DONE = "done"  # the venue said filled, cancelled or rejected

    @property
    def may_fill(self) -> bool:
        """True while a fill is possible."""
        return self is not OrderPhase.DONE


@dataclass(frozen=True, slots=True)
class ExposureOrder:
    """An own order: `remaining` base quantity, and that of an amend not yet confirmed (None: no amend)."""

    side: Side
    remaining: Decimal
    phase: OrderPhase
    amended_remaining: Decimal | None = None

    @property
    def quantity(self) -> Decimal:
        """Base quantity that could still fill."""
        if not self.phase.may_fill:
            return _ZERO
        return self.remaining if self.amended_remaining is None else max(self.remaining, self.amended_remaining)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Distance from target if all buys fill (`long`) and if all sells fill (`short`, negative when short), base."""

    long: Decimal
    short: Decimal

    @property
    def largest(self) -> Decimal:
        """The larger absolute distance."""
        return max(abs(self.long), abs(self.short))


@dataclass(frozen=True, slots=True)
class MarketExposure:
    """Worst case of one market with the asset it trades and the quote-currency value of one base unit."""

    market: str
    asset: str
    worst: WorstCase
    mark: Decimal


@dataclass(frozen=True, slots=True)
class ExposureLimits:
    """`market_base` in base units; asset and desk in quote currency, None where no such limit is set."""

    market_base: Decimal
    asset_notional: Decimal | None = None
    desk_notional: Decimal | None = None


def worst_case(position: Decimal, target: Decimal, orders: Iterable[ExposureOrder]) -> WorstCase:
    """Worst case of one market; `position` is the committed one plus fills not yet applied."""
    bought = sold = _ZERO
    for order in orders:
        if order.side is Side.BUY:
            bought += order.quantity
        else:
            sold += order.quantity
    return WorstCase(position - target + bought, position - target - sold)


def after_order(worst: WorstCase, side: Side, size: Decimal) -> WorstCase:
    """`worst` with one more order of `size` on `side`."""
    if side is Side.BUY:
        return WorstCase(worst.long + size, worst.short)
    return WorstCase(worst.long, worst.short - size)


def asset_notional(exposures: Iterable[MarketExposure], asset: str) -> Decimal:
    """Worst-case notional of one asset over its markets: a long in one and a short in another may both fail to
    net, so longs add to longs and shorts to shorts, and the larger side counts."""
    long = short = _ZERO
    for exposure in exposures:
        if exposure.asset == asset:
            long += max(exposure.worst.long, _ZERO) * exposure.mark
            short += max(-exposure.worst.short, _ZERO) * exposure.mark
    return max(long, short)


def desk_notional(exposures: Iterable[MarketExposure]) -> Decimal:
    """Worst-case notional of the desk: the sum over its assets."""
    found = tuple(exposures)
    assets = sorted({exposure.asset for exposure in found})
    return sum((asset_notional(found, asset) for asset in assets), _ZERO)


def exposure_check(
    side: Side,
    size: Decimal,
    market: MarketExposure,
    others: Iterable[MarketExposure],
    limits: ExposureLimits,
) -> Verdict | None:
    """May an order of `size` (base) on `side` of `market` be reserved, given the desk's `others`?

    An order that only brings its own side's worst case closer to target passes a limit that is already broken:
    refusing it would keep the exposure.
    """
    after = after_order(market.worst, side, size)
    reached = after.long if side is Side.BUY else -after.short
    if reached > limits.market_base:
        return _breach(ReasonCode.EXPOSURE_MARKET, reached, limits.market_base, "base")
    if reached <= _ZERO:
        return None
    moved = MarketExposure(market.market, market.asset, after, market.mark)
    desk = (*(other for other in others if other.market != market.market), moved)
    asset_total = asset_notional(desk, market.asset)
    if limits.asset_notional is not None and asset_total > limits.asset_notional:
        return _breach(ReasonCode.EXPOSURE_ASSET, asset_total, limits.asset_notional, "quote")
    desk_total = desk_notional(desk)
    if limits.desk_notional is not None and desk_total > limits.desk_notional:
        return _breach(ReasonCode.EXPOSURE_DESK, desk_total, limits.desk_notional, "quote")
    return None


def _breach(reason: ReasonCode, reached: Decimal, limit: Decimal, unit: str) -> Verdict:
    data = ((f"reached_{unit}", str(reached)), (f"limit_{unit}", str(limit)))
    return Verdict(Rule.EXPOSURE, reason, TradingState.REDUCING, data=data)
