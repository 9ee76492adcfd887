"""Which resting orders keep their place in the queue, and which never do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.builders import parameters
from trading.risk.side import Side
from trading.strategy.quote_types import QuoteReason, SideQuote
from trading.strategy.refresh import RefreshAction, RefreshReason, RestingOrder, keep_or_replace

D = Decimal
P = parameters(refresh_tolerance_bps="1", refresh_size_tolerance_pct="50")  # 1 bp of 100 = 0.01


def bid_target(price: str = "99.95", size: str = "1") -> SideQuote:
    return SideQuote(Side.BUY, float(price), D(price), D(size), None)


def resting(price: str, remaining: str = "1", side: Side = Side.BUY) -> RestingOrder:
    return RestingOrder(side, D(price), D(remaining))


@pytest.mark.parametrize(
    ("current", "action", "reason"),
    [
        (resting("99.95"), RefreshAction.KEEP, RefreshReason.WITHIN_TOLERANCE),
        (resting("99.96"), RefreshAction.KEEP, RefreshReason.WITHIN_TOLERANCE),
        (resting("99.94"), RefreshAction.KEEP, RefreshReason.WITHIN_TOLERANCE),
        (resting("99.961"), RefreshAction.REPLACE, RefreshReason.PRICE_MOVED),
        (resting("99.93"), RefreshAction.REPLACE, RefreshReason.PRICE_MOVED),
        (resting("99.95", "0.5"), RefreshAction.KEEP, RefreshReason.WITHIN_TOLERANCE),
        (resting("99.95", "0.49"), RefreshAction.REPLACE, RefreshReason.SMALLER_THAN_TARGET),
        (resting("99.95", "1.0001"), RefreshAction.REPLACE, RefreshReason.LARGER_THAN_ALLOWED),
        (None, RefreshAction.PLACE, RefreshReason.NO_ORDER),
    ],
)
def test_tolerances(current: RestingOrder | None, action: RefreshAction, reason: RefreshReason) -> None:
    decision = keep_or_replace(current, bid_target(), 100.0, P)
    assert (decision.action, decision.reason) == (action, reason)


@pytest.mark.parametrize("reason", list(QuoteReason))
def test_forbidden_side_is_cancelled(reason: QuoteReason) -> None:
    target = SideQuote(Side.BUY, 99.95, None, D(0), reason)
    assert keep_or_replace(resting("99.95"), target, 100.0, P).action is RefreshAction.CANCEL
    assert keep_or_replace(None, target, 100.0, P).action is RefreshAction.NOTHING


def test_order_past_the_reference_goes_although_within_tolerance() -> None:
    wide = parameters(refresh_tolerance_bps="100")
    bid = keep_or_replace(resting("99.50"), bid_target("99.40"), 99.5, wide)
    assert (bid.action, bid.reason) == (RefreshAction.REPLACE, RefreshReason.PAST_REFERENCE)
    ask_target = SideQuote(Side.SELL, 100.05, D("100.05"), D(1), None)
    ask = keep_or_replace(resting("100.00", side=Side.SELL), ask_target, 100.0, wide)
    assert (ask.action, ask.reason) == (RefreshAction.REPLACE, RefreshReason.PAST_REFERENCE)


def test_order_through_the_foreign_best_goes() -> None:
    decision = keep_or_replace(resting("99.95"), bid_target(), 100.0, P, best_opposite=D("99.95"))
    assert decision.reason is RefreshReason.CROSSES_BOOK


def test_order_of_the_other_side_is_an_error() -> None:
    with pytest.raises(ValueError, match="sell order"):
        keep_or_replace(resting("100.05", side=Side.SELL), bid_target(), 100.0, P)


@given(st.decimals(90, 110, places=2), st.decimals("0.001", 3, places=3), st.decimals("0.001", 3, places=3))
def test_what_is_kept_could_be_placed_now(price: Decimal, remaining: Decimal, allowed: Decimal) -> None:
    wide = parameters(refresh_tolerance_bps="100", refresh_size_tolerance_pct="100")
    target = SideQuote(Side.BUY, 99.5, D("99.50"), allowed, None)
    decision = keep_or_replace(RestingOrder(Side.BUY, price, remaining), target, 100.0, wide)
    if decision.action is RefreshAction.KEEP:
        assert remaining <= allowed and price < 100 and abs(price - D("99.50")) <= 1
