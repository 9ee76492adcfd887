"""Every rule of a single order by literal cases."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from trading.risk.order_rules import OrderFacts, OrderLimits, OwnResting, refusal
from trading.risk.side import Side
from trading.risk.verdict import ReasonCode as R

LIMITS = OrderLimits(
    max_order_notional=D(1000),
    max_side_notional=D(1500),
    max_distance_bps=D(500),
    max_requests_per_minute=60,
    band_low=D(90),
    band_high=D(110),
)
BUY = OrderFacts(
    side=Side.BUY,
    price=D(99),
    size=D(5),
    reference=D(100),
    free_base=D(100),
    free_quote=D(10000),
    resting=(),
    requests_this_minute=0,
)
SELL = replace(BUY, side=Side.SELL, price=D(101))
WIDE = replace(LIMITS, max_distance_bps=D(5000))


def test_a_sound_order_passes() -> None:
    assert refusal(BUY, LIMITS) is None
    assert refusal(SELL, LIMITS) is None


@pytest.mark.parametrize(
    ("facts", "limits", "expected"),
    [
        (replace(BUY, size=D("10.2")), LIMITS, R.NOTIONAL_PER_ORDER),  # 1009.8
        (replace(BUY, size=D(0)), LIMITS, R.NOTIONAL_PER_ORDER),
        (replace(BUY, size=D(-1)), LIMITS, R.NOTIONAL_PER_ORDER),
        (replace(BUY, size=D("NaN")), LIMITS, R.NOTIONAL_PER_ORDER),
        (replace(BUY, size=D("Infinity")), LIMITS, R.NOTIONAL_PER_ORDER),
        (replace(BUY, price=D(94)), LIMITS, R.PRICE_BAND),  # 600 bps away
        (replace(SELL, price=D(106)), LIMITS, R.PRICE_BAND),
        (replace(BUY, price=D("89.9")), WIDE, R.PRICE_BAND),  # below the venue's band
        (replace(SELL, price=D("110.1")), WIDE, R.PRICE_BAND),
        (replace(BUY, reference=D(0)), WIDE, R.PRICE_BAND),
        (replace(BUY, resting=(OwnResting(Side.SELL, D(99), D(1)),)), LIMITS, R.SELF_CROSS),
        (replace(SELL, resting=(OwnResting(Side.BUY, D(101), D(1)),)), LIMITS, R.SELF_CROSS),
        (replace(BUY, resting=(OwnResting(Side.BUY, D(98), D("10.5")),)), LIMITS, R.NOTIONAL_PER_SIDE),  # 495 + 1029
        (replace(BUY, free_quote=D("494.9")), LIMITS, R.BALANCE_TOO_SMALL),
        (replace(BUY, free_quote=None), LIMITS, R.BALANCE_UNKNOWN),
        (replace(SELL, free_base=D("4.9")), LIMITS, R.BALANCE_TOO_SMALL),
        (replace(SELL, free_base=None), LIMITS, R.BALANCE_UNKNOWN),
        (replace(BUY, requests_this_minute=60), LIMITS, R.ORDER_RATE),
    ],
)
def test_each_rule_refuses(facts: OrderFacts, limits: OrderLimits, expected: R) -> None:
    assert refusal(facts, limits) is expected


@pytest.mark.parametrize(
    "facts",
    [
        replace(BUY, size=D(10)),  # 990
        replace(BUY, price=D(95)),  # exactly 500 bps
        replace(BUY, resting=(OwnResting(Side.SELL, D("99.01"), D(1)),)),
        replace(BUY, resting=(OwnResting(Side.BUY, D(100), D("10.05")),)),  # 495 + 1005 = 1500
        replace(BUY, free_quote=D(495), free_base=None),  # a buy needs no base
        replace(SELL, free_base=D(5), free_quote=None),
        replace(BUY, requests_this_minute=59),
    ],
)
def test_none_refuses_at_its_bound(facts: OrderFacts) -> None:
    assert refusal(facts, LIMITS) is None


def test_without_a_band_of_the_venue_only_the_distance_counts() -> None:
    free = replace(WIDE, band_low=None, band_high=None)
    assert refusal(replace(BUY, price=D(60)), free) is None
    assert refusal(replace(BUY, price=D(49)), free) is R.PRICE_BAND
