"""Every breaker by literal cases: satisfied, fired at its bound, and fired when it can't be checked."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from trading.risk.breakers import (
    BreakerConditions,
    BreakerFacts,
    BreakerLimits,
    assess_breakers,
    assess_standing,
)
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode as R
from trading.risk.verdict import Release

LIMITS = BreakerLimits(
    reference_deviation_bps=300.0,
    price_jump_bps=200.0,
    sigma_break=0.01,
    drawdown_limit_quote=250.0,
    reject_limit=10,
    toxicity_bps=20.0,
    toxicity_fills=5,
    clock_skew_max_ms=2000.0,
    balance_gap_lots=2.0,
    cooldown_s=60.0,
)
WELL = BreakerFacts(
    view_age_s=0.4,
    cycle_s=1.0,
    reference_price=100.0,
    second_price=100.5,
    rolling_mid=100.2,
    sigma=0.0001,
    pnl_quote=10.0,
    peak_quote=30.0,
    rejects_in_a_row=0,
    markout_bps=1.0,
    markout_fills=20,
    clock_skew_ms=-150.0,
    balance_gap_lots=0.5,
    balance_gap_s=0.0,
)
PAUSED, REDUCING = TradingState.PAUSED, TradingState.REDUCING
CLEAR, COOL, TWO = Release.WHEN_CLEAR, Release.COOL_DOWN, Release.TWO_PEOPLE


def fired(**changes: object) -> list[tuple[R, TradingState, Release]]:
    facts = replace(WELL, **changes)
    return [(v.reason, v.state_imposed, v.release) for v in assess_breakers(BreakerConditions(facts, LIMITS))]


def test_nothing_fires_when_all_is_well() -> None:
    assert fired() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"view_age_s": 3.01}, (R.INPUT_FROZEN, PAUSED, CLEAR)),
        ({"view_age_s": None}, (R.INPUT_FROZEN, PAUSED, CLEAR)),
        ({"view_age_s": math.nan}, (R.INPUT_FROZEN, PAUSED, CLEAR)),
        ({"view_age_s": 1.6, "cycle_s": 0.1}, (R.INPUT_FROZEN, PAUSED, CLEAR)),
        ({"second_price": 97.0}, (R.SOURCES_DISAGREE, PAUSED, CLEAR)),  # 309 bps
        ({"second_price": 103.5}, (R.SOURCES_DISAGREE, PAUSED, CLEAR)),  # 338 bps
        ({"second_price": 0.0}, (R.SOURCES_DISAGREE, PAUSED, CLEAR)),
        ({"rolling_mid": 98.0}, (R.PRICE_JUMPED, PAUSED, COOL)),  # 204 bps
        ({"rolling_mid": math.nan}, (R.PRICE_JUMPED, PAUSED, COOL)),
        ({"sigma": 0.0101}, (R.VOLATILITY_EXTREME, PAUSED, COOL)),
        ({"sigma": None}, (R.VOLATILITY_EXTREME, PAUSED, COOL)),
        ({"pnl_quote": -220.0}, (R.DRAWDOWN_REACHED, PAUSED, TWO)),  # 250 from the peak
        ({"pnl_quote": None}, (R.PNL_UNKNOWN, PAUSED, CLEAR)),
        ({"peak_quote": math.inf}, (R.PNL_UNKNOWN, PAUSED, CLEAR)),
        ({"rejects_in_a_row": 10}, (R.REJECTS_IN_A_ROW, PAUSED, COOL)),
        ({"markout_bps": -20.0}, (R.FLOW_TOXIC, PAUSED, COOL)),
        ({"markout_bps": None}, (R.FLOW_TOXIC, PAUSED, COOL)),
        ({"clock_skew_ms": 2000.5}, (R.CLOCK_SKEWED, PAUSED, CLEAR)),
        ({"clock_skew_ms": -2000.5}, (R.CLOCK_SKEWED, PAUSED, CLEAR)),
        ({"clock_skew_ms": None}, (R.CLOCK_UNKNOWN, PAUSED, CLEAR)),
        ({"balance_gap_lots": -2.1, "balance_gap_s": 20.0}, (R.BALANCE_UNLIKE_INVENTORY, REDUCING, CLEAR)),
        ({"balance_gap_lots": math.nan, "balance_gap_s": 20.0}, (R.BALANCE_UNLIKE_INVENTORY, REDUCING, CLEAR)),
    ],
)
def test_each_fires_alone(changes: dict[str, object], expected: tuple[R, TradingState, Release]) -> None:
    assert fired(**changes) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"view_age_s": 3.0},
        {"view_age_s": 1.5, "cycle_s": 0.1},
        {"view_age_s": 14.9, "cycle_s": 5.0},
        {"second_price": None},  # there is no other source
        {"second_price": 97.2},
        {"rolling_mid": None},
        {"rolling_mid": 98.1},
        {"sigma": 0.01},
        {"pnl_quote": -219.9},
        {"pnl_quote": 500.0},
        {"rejects_in_a_row": 9},
        {"markout_bps": -19.9},
        {"markout_bps": -500.0, "markout_fills": 4},  # too few to judge
        {"clock_skew_ms": 2000.0},
        {"balance_gap_lots": None},
        {"balance_gap_lots": 50.0, "balance_gap_s": 19.9},  # may be under way
        {"balance_gap_lots": 2.0, "balance_gap_s": 500.0},
    ],
)
def test_none_fires_before_its_bound(changes: dict[str, object]) -> None:
    assert fired(**changes) == []


def test_before_a_resume_only_what_market_and_venue_say_counts() -> None:
    facts = replace(
        WELL, pnl_quote=None, rejects_in_a_row=99, markout_bps=-99.0, balance_gap_lots=9.0, balance_gap_s=99.0
    )
    assert assess_standing(BreakerConditions(facts, LIMITS)) == ()
    facts = replace(facts, clock_skew_ms=9000.0, sigma=1.0)
    found = [one.reason for one in assess_standing(BreakerConditions(facts, LIMITS))]
    assert found == [R.VOLATILITY_EXTREME, R.CLOCK_SKEWED]
