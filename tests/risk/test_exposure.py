"""Worst-case exposure: everything that may still fill counts, per market, asset and desk."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.risk.exposure import (
    ExposureLimits,
    ExposureOrder,
    MarketExposure,
    OrderPhase,
    WorstCase,
    after_order,
    asset_notional,
    desk_notional,
    exposure_check,
    worst_case,
)
from trading.risk.side import Side
from trading.risk.verdict import ReasonCode

D = Decimal


def buy(size: str, phase: OrderPhase = OrderPhase.LIVE, amended: str | None = None) -> ExposureOrder:
    return ExposureOrder(Side.BUY, D(size), phase, D(amended) if amended else None)


def test_every_phase_that_may_fill_counts_in_full() -> None:
    orders = [
        buy("1"),
        buy("2", OrderPhase.IN_FLIGHT),
        buy("4", OrderPhase.UNKNOWN),
        buy("8", OrderPhase.CANCEL_PENDING),
        buy("16", OrderPhase.DONE),
        ExposureOrder(Side.SELL, D(3), OrderPhase.LIVE),
    ]
    assert worst_case(D(105), D(100), orders) == WorstCase(long=D(20), short=D(2))


@pytest.mark.parametrize(("amended", "long"), [("5", "5"), ("1", "3"), (None, "3")])
def test_unconfirmed_amend_counts_the_larger(amended: str | None, long: str) -> None:
    assert worst_case(D(0), D(0), [buy("3", OrderPhase.UNKNOWN, amended)]).long == D(long)


def test_after_order() -> None:
    start = WorstCase(D(2), D(-1))
    assert after_order(start, Side.BUY, D(3)) == WorstCase(D(5), D(-1))
    assert after_order(start, Side.SELL, D(3)) == WorstCase(D(2), D(-4))
    assert after_order(start, Side.SELL, D(3)).largest == D(4)


def exposure(market: str, asset: str, long: str, short: str, mark: str = "2") -> MarketExposure:
    return MarketExposure(market, asset, WorstCase(D(long), D(short)), D(mark))


def test_asset_and_desk_notional() -> None:
    desk = [exposure("a", "DCT", "10", "-3"), exposure("b", "DCT", "5", "-20"), exposure("c", "GRAM", "4", "1", "1.5")]
    assert asset_notional(desk, "DCT") == D(46)  # shorts: (3 + 20) x 2; longs: 15 x 2
    assert asset_notional(desk, "GRAM") == D("6.0")
    assert desk_notional(desk) == D("52.0")
    assert desk_notional([]) == 0


@pytest.mark.parametrize(
    ("size", "limits", "reason"),
    [
        ("10", ExposureLimits(D(20)), None),
        ("10.001", ExposureLimits(D(20)), ReasonCode.EXPOSURE_MARKET),
        ("10", ExposureLimits(D(20), asset_notional=D(50)), None),
        ("10", ExposureLimits(D(20), asset_notional=D("49.99")), ReasonCode.EXPOSURE_ASSET),
        ("10", ExposureLimits(D(20), D(50), desk_notional=D(56)), None),
        ("10", ExposureLimits(D(20), D(50), desk_notional=D("55.99")), ReasonCode.EXPOSURE_DESK),
    ],
)
def test_limits_of_market_asset_and_desk(size: str, limits: ExposureLimits, reason: ReasonCode | None) -> None:
    """Long 10 of this market at mark 2, 5 of the same asset elsewhere, 6 of notional in another asset."""
    market = exposure("a", "DCT", "10", "-3")
    others = [exposure("b", "DCT", "5", "0"), exposure("c", "GRAM", "4", "1", "1.5")]
    verdict = exposure_check(Side.BUY, D(size), market, others, limits)
    assert (verdict.reason if verdict else None) is reason


def test_own_row_among_the_others_is_not_counted_twice() -> None:
    market = exposure("a", "DCT", "10", "0")
    limits = ExposureLimits(D(100), asset_notional=D(40))
    assert exposure_check(Side.BUY, D(10), market, [market], limits) is None


def test_order_that_lowers_exposure_passes_a_broken_limit() -> None:
    """Long 30 against a limit of 20: buying more is refused, selling 5 is not, selling through to -21 is."""
    market = exposure("a", "DCT", "30", "30")
    limits = ExposureLimits(D(20), asset_notional=D(1), desk_notional=D(1))
    assert exposure_check(Side.BUY, D(1), market, [], limits) is not None
    assert exposure_check(Side.SELL, D(5), market, [], limits) is None
    verdict = exposure_check(Side.SELL, D(51), market, [], limits)
    assert verdict is not None and verdict.data == (("reached_base", "21"), ("limit_base", "20"))


_PHASES = st.sampled_from(OrderPhase)
_SIZES = st.decimals("0.001", 1000, places=3)
_ORDERS = st.lists(st.builds(ExposureOrder, st.sampled_from(Side), _SIZES, _PHASES, st.none() | _SIZES), max_size=8)


@given(st.decimals(-1000, 1000, places=3), _ORDERS, st.data())
def test_no_outcome_of_the_orders_is_outside_the_worst_case(
    position: Decimal, orders: list[ExposureOrder], data: st.DataObject
) -> None:
    worst = worst_case(position, D(0), orders)
    reached = position
    for order in orders:
        if order.phase is OrderPhase.DONE:
            continue
        largest = max(order.remaining, order.amended_remaining or D(0))
        filled = data.draw(st.sampled_from([D(0), largest / 2, largest]))
        reached += filled if order.side is Side.BUY else -filled
        assert worst.short <= reached <= worst.long
