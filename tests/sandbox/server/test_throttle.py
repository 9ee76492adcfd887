"""Documented limits, per key, class and symbol; 429 with the wait until the next token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk, open_market
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.testing import running_venue
from trading.sandbox.server.throttle import DEX_LIMITS, Throttle


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_empties_and_refills_evenly() -> None:
    clock = Clock()
    throttle = Throttle(DEX_LIMITS, clock)
    for _ in range(60):
        throttle.take("desk", "place", "DCT/USDT")
    with pytest.raises(ApiError) as refused:
        throttle.take("desk", "place", "DCT/USDT")
    assert refused.value.status == 429
    assert refused.value.retry_after_s == pytest.approx(2 / 60)
    throttle.take("desk", "cancel", "DCT/USDT")  # another class
    throttle.take("desk", "place", "GRAM/USDT")  # another symbol
    throttle.take("other", "place", "DCT/USDT")  # another key
    clock.now_s += 1.0
    for _ in range(30):
        throttle.take("desk", "place", "DCT/USDT")
    with pytest.raises(ApiError):
        throttle.take("desk", "place", "DCT/USDT")
    assert throttle.refused == 2


def test_a_clock_far_ahead_never_overfills() -> None:
    clock = Clock()
    throttle = Throttle(DEX_LIMITS, clock)
    throttle.take("desk", "export")
    clock.now_s += 3600
    for _ in range(5):
        throttle.take("desk", "export")
    with pytest.raises(ApiError):
        throttle.take("desk", "export")


@pytest.fixture
async def limited(http: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    async with running_venue("dex", rate_scale=1.0) as running:
        open_market(running)
        yield Desk(http, running)


async def test_429_comes_with_retry_after_and_executes_nothing(limited: Desk) -> None:
    statuses = [(await limited.place(f"q-{number}"))[0] for number in range(75)]
    refused = statuses.count(429)
    assert refused > 0
    assert set(statuses) == {200, 429}
    assert len(limited.venue.exchange.open_orders("desk")) == 75 - refused
    while (await limited.call("GET", "/v1/export"))[0] != 429:
        pass
    assert 0 < float(limited.headers["Retry-After"]) <= 2.0


async def test_strangers_do_not_spend_the_desks_tokens(limited: Desk) -> None:
    stranger = Desk(limited.session, limited.venue)
    stranger.secret = "wrong"
    for _ in range(70):
        assert (await stranger.place("x"))[0] == 401
    assert (await limited.place("q-1"))[0] == 200
