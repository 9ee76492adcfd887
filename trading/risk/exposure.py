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
from trading.risk.verdict import ReasonCode

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
    """Worst case of one market with the asset it trades and `mark`, what one base unit is worth in the quote currency."""

    asset: str
    worst: WorstCase
    mark: Decimal


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """A limit beyond one market: of an asset in its base units, of the desk in quote units. At `soft` no exposure is added
    any more, at `hard` all quotes go."""

    soft: Decimal
    hard: Decimal


def worst_case(position: Decimal, target: Decimal, orders: Iterable[ExposureOrder]) -> WorstCase:
    """Worst case of one market; `position` is the committed one plus fills not yet applied."""
    bought = sold = _ZERO
    for order in orders:
        if order.side is Side.BUY:
            bought += order.quantity
        else:
            sold += order.quantity
    return WorstCase(position - target + bought, position - target - sold)


def asset_exposure(exposures: Iterable[MarketExposure], asset: str) -> WorstCase:
    """Worst case of one asset over its markets, base: a long in one and a short in another may both fail to net, so
    longs add to longs and shorts to shorts (`short` is negative)."""
    worsts = [exposure.worst for exposure in exposures if exposure.asset == asset]
    long = sum((max(worst.long, _ZERO) for worst in worsts), _ZERO)
    short = sum((min(worst.short, _ZERO) for worst in worsts), _ZERO)
    return WorstCase(long, short)


def desk_exposure(exposures: Iterable[MarketExposure]) -> Decimal:
    """Worst case of the desk, quote: of each asset the larger side, its markets each at their own mark."""
    sides: dict[str, tuple[Decimal, Decimal]] = {}
    for exposure in exposures:
        long, short = sides.get(exposure.asset, (_ZERO, _ZERO))
        long += max(exposure.worst.long, _ZERO) * exposure.mark
        short += max(-exposure.worst.short, _ZERO) * exposure.mark
        sides[exposure.asset] = (long, short)
    return sum((max(pair) for pair in sides.values()), _ZERO)


def held_exposure(exposures: Iterable[MarketExposure], asset: str) -> tuple[Decimal, Decimal]:
    """What is held, as (base of `asset`, quote of the desk); the worst cases given are of inventory without open orders."""
    found = tuple(exposures)
    return asset_exposure(found, asset).largest, desk_exposure(found)


def blocked_sides(
    standing: MarketExposure,
    wanted: WorstCase,
    others: Iterable[MarketExposure],
    asset_hard: Decimal | None,
    desk_hard: Decimal | None,
) -> dict[Side, ReasonCode]:
    """Sides of one market whose requests would take the asset or the desk over its hard limit, with the limit that does.

    `standing` is the market as it is, `wanted` its worst case if every request is accepted. Each side is judged by itself,
    with the other as it stands. What raises nothing passes a limit that is already broken: refusing it would keep the
    exposure. The script that reserves inside Redis does the same in doubles (`trading.hot_state.reservations`).
    """
    beside = tuple(others)
    before = (*beside, standing)
    blocked: dict[Side, ReasonCode] = {}
    for side in Side:
        worst = _with_side(standing.worst, wanted, side)
        after = (*beside, MarketExposure(standing.asset, worst, standing.mark))
        reached, was = (_of_side(asset_exposure(all_, standing.asset), side) for all_ in (after, before))
        if asset_hard is not None and reached > max(asset_hard, was):
            blocked[side] = ReasonCode.EXPOSURE_ASSET
        elif desk_hard is not None and desk_exposure(after) > max(desk_hard, desk_exposure(before)):
            blocked[side] = ReasonCode.EXPOSURE_DESK
    return blocked


def _with_side(standing: WorstCase, wanted: WorstCase, side: Side) -> WorstCase:
    if side is Side.BUY:
        return WorstCase(wanted.long, standing.short)
    return WorstCase(standing.long, wanted.short)


def _of_side(worst: WorstCase, side: Side) -> Decimal:
    return worst.long if side is Side.BUY else -worst.short
