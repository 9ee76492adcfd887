"""Order size: taper, limits and their reasons."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.builders import inputs, market, parameters
from trading.risk.side import Side
from trading.strategy.quote import compute_quote
from trading.strategy.quote_types import Balances, QuoteReason
from trading.strategy.sizing import size_fn, taper

D = Decimal
LIMITS = parameters(
    order_size_lots="2", q_soft_lots="8", soft_limit_lots="18", q_hard_lots="20", max_notional_per_side="100000"
)


@pytest.mark.parametrize(
    ("q_lots", "bid", "ask"),
    [
        (0.0, "2", "2"),
        (8.0, "2", "2"),
        (14.0, "1", "2"),
        (17.0, "0.5", "2"),
        (20.0, "0", "2"),
        (25.0, "0", "2"),
        (-14.0, "2", "1"),
        (-20.0, "2", "0"),
    ],
)
def test_taper_by_hand(q_lots: float, bid: str, ask: str) -> None:
    assert size_fn(Side.BUY, q_lots, LIMITS, market()) == D(bid)
    assert size_fn(Side.SELL, q_lots, LIMITS, market()) == D(ask)


def test_size_is_lots_times_lot_size() -> None:
    assert size_fn(Side.BUY, 0.0, LIMITS, market(lot_size=D(1000))) == D(2000)


def test_tapered_size_is_rounded_down_to_the_lot_step() -> None:
    result = compute_quote(inputs(q_lots=13.0, parameters=LIMITS))  # 2 x 7/12 = 1.1666...
    assert result.bid.size == D("1.166")


def test_hard_limit_leaves_only_the_reducing_side() -> None:
    result = compute_quote(inputs(q_lots=20.0, parameters=LIMITS))
    assert result.bid.reason is QuoteReason.INVENTORY_LIMIT
    assert result.ask.reason is None


def test_free_balance_caps_each_side() -> None:
    p = parameters(kappa="2000", gamma="0", beta="0")  # bid 99.95, ask 100.05
    result = compute_quote(inputs(parameters=p, balances=Balances(D("0.3456"), D(50))))
    assert result.ask.size == D("0.345")
    assert result.bid.size == D("0.500")  # 50 / (99.95 x 1.0005) = 0.50000...: the held fee is paid too
    tight = compute_quote(inputs(parameters=p, balances=Balances(D(1), D("49.999"))))
    assert tight.bid.size == D("0.499")


def test_no_balance_and_unknown_balance_are_different_reasons() -> None:
    nothing = compute_quote(inputs(balances=Balances(D(0), D(0))))
    assert nothing.bid.reason is nothing.ask.reason is QuoteReason.INSUFFICIENT_BALANCE
    unknown = compute_quote(inputs(balances=Balances(None, D(1000))))
    assert unknown.ask.reason is QuoteReason.BALANCE_UNKNOWN and unknown.bid.reason is None


def test_notional_limit() -> None:
    p = parameters(kappa="2000", gamma="0", beta="0", max_notional_per_side="50")
    result = compute_quote(inputs(parameters=p))
    assert result.bid.size == D("0.500") and result.ask.size == D("0.499")
    none = compute_quote(inputs(parameters=p, market=market(min_size=D(1))))
    assert none.bid.reason is QuoteReason.NOTIONAL_LIMIT


def test_minimums() -> None:
    small = parameters(order_size_lots="0.05")
    assert compute_quote(inputs(parameters=small, market=market(min_size=D("0.1")))).bid.reason is (
        QuoteReason.BELOW_MINIMUM_SIZE
    )
    assert compute_quote(inputs(parameters=small, market=market(min_notional=D(10)))).ask.reason is (
        QuoteReason.BELOW_MINIMUM_NOTIONAL
    )


@given(st.floats(-30.0, 30.0), st.floats(0.0, 30.0))
def test_adding_side_only_shrinks_with_distance(q_lots: float, more: float) -> None:
    assert taper(Side.BUY, q_lots + more, LIMITS) <= taper(Side.BUY, q_lots, LIMITS)
    assert taper(Side.SELL, q_lots - more, LIMITS) <= taper(Side.SELL, q_lots, LIMITS)


@given(st.floats(-30.0, 30.0))
def test_a_fill_never_carries_inventory_to_the_hard_limit(q_lots: float) -> None:
    """Size below q_hard - q_soft, as validation demands: 2 < 12."""
    if abs(q_lots) < 20.0:
        assert q_lots + float(size_fn(Side.BUY, q_lots, LIMITS, market())) < 20.0
        assert q_lots - float(size_fn(Side.SELL, q_lots, LIMITS, market())) > -20.0
