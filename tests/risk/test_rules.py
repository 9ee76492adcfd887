"""Each rule at, below and above its bound; unknown is never fine."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from trading.risk.rules import (
    MarketConditions,
    assess,
    book_sound,
    feed_fresh,
    hard_limit,
    reference_known,
    soft_limit,
    state_for_cycle,
)
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Release

D = Decimal
SOUND = MarketConditions(
    feed_age_s=0.5,
    best_bid=D("99.9"),
    best_ask=D("100.1"),
    reference_price=100.0,
    q_lots=1.0,
    feed_stale_s=3.0,
    soft_limit_lots=18.0,
    q_hard_lots=20.0,
)


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (3.0, None),
        (3.000001, ReasonCode.FEED_STALE),
        (None, ReasonCode.FEED_AGE_UNKNOWN),
        (math.nan, ReasonCode.FEED_AGE_UNKNOWN),
        (math.inf, ReasonCode.FEED_AGE_UNKNOWN),
    ],
)
def test_feed(age: float | None, reason: ReasonCode | None) -> None:
    verdict = feed_fresh(age, 3.0)
    assert (verdict.reason if verdict else None) is reason
    assert verdict is None or verdict.state_imposed is TradingState.PAUSED


def test_stale_feed_says_by_how_much() -> None:
    verdict = feed_fresh(4.5, 3.0)
    assert verdict is not None and verdict.data == (("feed_age_s", "4.5"), ("feed_stale_s", "3.0"))
    assert verdict.release is Release.WHEN_CLEAR


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (100.0, None),
        (None, ReasonCode.NO_REFERENCE),
        (0.0, ReasonCode.REFERENCE_INVALID),
        (math.nan, ReasonCode.REFERENCE_INVALID),
    ],
)
def test_reference(price: float | None, reason: ReasonCode | None) -> None:
    verdict = reference_known(price)
    assert (verdict.reason if verdict else None) is reason


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        ("99", "100", None),
        ("99", None, None),
        (None, "100", None),
        (None, None, ReasonCode.BOOK_EMPTY),
        ("100", "100", ReasonCode.BOOK_CROSSED),
        ("101", "100", ReasonCode.BOOK_CROSSED),
    ],
)
def test_book(bid: str | None, ask: str | None, reason: ReasonCode | None) -> None:
    verdict = book_sound(D(bid) if bid else None, D(ask) if ask else None)
    assert (verdict.reason if verdict else None) is reason


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_limits(sign: float) -> None:
    assert soft_limit(sign * 17.99, 18.0) is None
    soft = soft_limit(sign * 18.0, 18.0)
    assert soft is not None and soft.state_imposed is TradingState.REDUCING
    assert soft.release is Release.WHEN_CLEAR
    assert hard_limit(sign * 19.99, 20.0) is None
    hard = hard_limit(sign * 20.0, 20.0)
    assert hard is not None and hard.state_imposed is TradingState.PAUSED
    assert hard.release is Release.TWO_PEOPLE


@pytest.mark.parametrize("q_lots", [None, math.nan, math.inf])
def test_unknown_inventory_pauses(q_lots: float | None) -> None:
    for verdict in (soft_limit(q_lots, 18.0), hard_limit(q_lots, 20.0)):
        assert verdict is not None and verdict.reason is ReasonCode.INVENTORY_UNKNOWN
        assert verdict.state_imposed is TradingState.PAUSED


def test_sound_market_has_no_verdict() -> None:
    assert assess(SOUND) == ()
    assert state_for_cycle(TradingState.ACTIVE, (), ()) is TradingState.ACTIVE


def test_every_rule_is_assessed_strictest_first() -> None:
    bad = replace(SOUND, feed_age_s=9.0, best_bid=None, best_ask=None, reference_price=None, q_lots=30.0)
    assert [verdict.reason for verdict in assess(bad)] == [
        ReasonCode.HARD_LIMIT_REACHED,
        ReasonCode.FEED_STALE,
        ReasonCode.BOOK_EMPTY,
        ReasonCode.NO_REFERENCE,
        ReasonCode.SOFT_LIMIT_REACHED,
    ]


def test_state_of_a_cycle() -> None:
    soft = assess(replace(SOUND, q_lots=18.5))
    assert state_for_cycle(TradingState.ACTIVE, (), soft) is TradingState.REDUCING
    assert state_for_cycle(TradingState.HALTED, (), soft) is TradingState.HALTED
    assert state_for_cycle(TradingState.ACTIVE, (TradingState.PAUSED,), soft) is TradingState.PAUSED
