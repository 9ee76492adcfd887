"""The record plays in real time, at another speed, and without a burst after a suspension; a halted engine ends it."""

from __future__ import annotations

import pytest

from tests.sandbox.server.desk import open_market
from trading.sandbox.catalogue import DCT_USDT
from trading.sandbox.replay import Replay
from trading.sandbox.server.market import MarketClock, ScaledReplay
from trading.sandbox.server.testing import RunningVenue

START_NS = 1_800_000_000_000_000_000
SECOND = 1_000_000_000


def recorded_s(venue: RunningVenue, speed: float, seconds: int) -> float:
    """How far the record got within that time, in steps of 10 ms."""
    replay = Replay(venue.exchange, "DCT/USDT", DCT_USDT.record_path, START_NS, 10.0)
    begun = replay.position[1]
    scaled = ScaledReplay(replay, speed, START_NS)
    for step in range(seconds * 100):
        scaled.play(START_NS + (step + 1) * SECOND // 100)
    return replay.position[1] - begun


@pytest.mark.parametrize(("speed", "low", "high"), [(0.5, 1.4, 1.9), (1.0, 2.9, 3.5), (4.0, 11.9, 12.6)])
async def test_speed(venue: RunningVenue, speed: float, low: float, high: float) -> None:
    assert low <= recorded_s(venue, speed, 3) <= high


@pytest.mark.parametrize("speed", [1.0, 2.0])
async def test_no_burst_after_a_suspension(venue: RunningVenue, speed: float) -> None:
    replay = Replay(venue.exchange, "DCT/USDT", DCT_USDT.record_path, START_NS, 10.0)
    scaled = ScaledReplay(replay, speed, START_NS)
    begun = replay.position[1]
    after_an_hour = START_NS + 3600 * SECOND
    for _ in range(200):
        scaled.play(after_an_hour)
    assert replay.position[1] - begun < 11.0


async def test_a_halted_engine_ends_the_process(venue: RunningVenue) -> None:
    open_market(venue)
    venue.venue.halted = True
    with pytest.raises(RuntimeError, match="halted"):
        await MarketClock(venue.venue, ()).run()
