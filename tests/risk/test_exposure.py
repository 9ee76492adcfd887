"""Worst-case exposure: everything that may still fill counts, per market, asset and desk."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.risk.exposure import (
    ExposureOrder,
    MarketExposure,
    OrderPhase,
    WorstCase,
    asset_exposure,
    blocked_sides,
    desk_exposure,
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


def exposure(asset: str, long: str, short: str, mark: str = "2") -> MarketExposure:
    return MarketExposure(asset, WorstCase(D(long), D(short)), D(mark))


def test_asset_in_base_and_desk_in_quote() -> None:
    desk = [exposure("DCT", "10", "-3"), exposure("DCT", "5", "-20"), exposure("GRAM", "4", "1", "1.5")]
    assert asset_exposure(desk, "DCT") == WorstCase(D(15), D(-23))
    assert asset_exposure(desk, "GRAM") == WorstCase(D(4), D(0))
    assert desk_exposure(desk) == D("52.0")  # shorts of DCT: 23 x 2; longs of GRAM: 4 x 1.5
    assert desk_exposure([]) == 0


@pytest.mark.parametrize(
    ("long", "short", "asset", "desk", "blocked"),
    [
        ("20", "-13", None, None, {}),
        ("20", "-13", "25", None, {}),
        ("20.1", "-13", "25", None, {Side.BUY: ReasonCode.EXPOSURE_ASSET}),
        ("20", "-13", None, "56", {}),
        ("20", "-13", None, "55.9", {Side.BUY: ReasonCode.EXPOSURE_DESK}),
        ("40", "-40", "30", "1", {Side.BUY: ReasonCode.EXPOSURE_ASSET, Side.SELL: ReasonCode.EXPOSURE_ASSET}),
    ],
)
def test_each_side_is_judged_by_itself(
    long: str, short: str, asset: str | None, desk: str | None, blocked: dict[Side, ReasonCode]
) -> None:
    """Long 10 and short 3 of this market at mark 2, 5 of the same asset elsewhere, 6 of value in another asset."""
    others = [exposure("DCT", "5", "0"), exposure("GRAM", "4", "1", "1.5")]
    wanted = WorstCase(D(long), D(short))
    limits = (D(asset) if asset else None, D(desk) if desk else None)
    assert blocked_sides(exposure("DCT", "10", "-3"), wanted, others, *limits) == blocked


def test_what_lowers_exposure_passes_a_broken_limit() -> None:
    """Long 30 against limits of 1: no more bid, but an ask of 5 goes; one through to 21 short does not."""
    market = exposure("DCT", "30", "30")
    assert blocked_sides(market, WorstCase(D(31), D(25)), [], D(1), D(1)) == {Side.BUY: ReasonCode.EXPOSURE_ASSET}
    assert set(blocked_sides(market, WorstCase(D(30), D(-21)), [], D(1), D(1))) == {Side.SELL}
    assert blocked_sides(market, market.worst, [], D(1), D(1)) == {}


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
