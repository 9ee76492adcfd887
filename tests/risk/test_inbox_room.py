"""Fills that wait for the database have room up to a bound; no exposure is added when it comes near, nothing rests at it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.risk.test_rules import SOUND
from trading.risk.rules import assess, inbox_room
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Release


@pytest.mark.parametrize(
    ("used", "state", "reason"),
    [
        (0.0, None, None),
        (0.79999, None, None),
        (0.8, TradingState.REDUCING, ReasonCode.INBOX_FILLING),
        (0.99999, TradingState.REDUCING, ReasonCode.INBOX_FILLING),
        (1.0, TradingState.PAUSED, ReasonCode.INBOX_FULL),
        (7.5, TradingState.PAUSED, ReasonCode.INBOX_FULL),
        (math.inf, TradingState.PAUSED, ReasonCode.INBOX_FULL),
        (math.nan, TradingState.PAUSED, ReasonCode.INBOX_FULL),
    ],
)
def test_room(used: float, state: TradingState | None, reason: ReasonCode | None) -> None:
    verdict = inbox_room(used)
    assert (verdict and verdict.state_imposed, verdict and verdict.reason) == (state, reason)


def test_it_ends_by_itself_and_is_one_of_the_rules() -> None:
    fired = assess(replace(SOUND, inbox_fraction=0.85))
    assert [one.reason for one in fired] == [ReasonCode.INBOX_FILLING]
    assert (fired[0].release, fired[0].data) == (Release.WHEN_CLEAR, (("inbox_percent", "85"),))
