"""The hot state of markets on a real Valkey: written, read back, refused when corrupt."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal as D

import pytest
import redis.asyncio

from tests.market_data.scripted_venue import info
from tests.market_data.test_tracker import GOOD, Desk
from trading.hot_state import keys, market
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.values import HistoryPoint, HotBalance, HotBalances

NOW = 1_767_225_600_000_000_000


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[redis.asyncio.Redis]:
    one = async_client()
    yield one
    await one.aclose()


async def test_a_view_is_read_as_written(client: redis.asyncio.Redis) -> None:
    desk = Desk()
    desk.book(GOOD)
    view = desk.view()
    await market.write_market_view(client, view)
    assert await market.read_market_view(client, "m") == view
    assert market.read_market_view_sync("m") == view
    assert market.read_market_view_sync("another") is None


async def test_a_corrupt_view_reads_as_absent(client: redis.asyncio.Redis) -> None:
    await client.set(keys.market_view("m"), b'{"slug": "m", "bids": "lots"}')
    assert await market.read_market_view(client, "m") is None
    assert market.read_market_view_sync("m") is None


def test_feed_age_counts_on_from_the_publication() -> None:
    desk = Desk()
    desk.book(GOOD)
    desk.clock.advance(1.5)
    view = desk.view()
    assert market.feed_age_s(view, view.published_ns + 2_000_000_000) == pytest.approx(3.5)
    assert market.feed_age_s(view, view.published_ns - 500_000_000) == pytest.approx(1.5)
    assert market.feed_age_s(view, view.published_ns - 5_000_000_000) == math.inf


async def test_balances_and_market_rules(client: redis.asyncio.Redis) -> None:
    held = HotBalances("dex-desk", NOW, {"dct": HotBalance(D("10.5"), D(4))})
    await market.write_balances(client, held)
    assert market.read_balances_sync("dex-desk") == held == await market.read_balances(client, "dex-desk")
    assert (held.free("dct"), held.total("dct"), held.free("usdt")) == (D(4), D("10.5"), D(0))
    await market.write_market_info(client, "dex-desk", info("m"))
    assert market.read_market_info_sync("dex-desk", "m") == info("m")
    assert await market.read_market_info(client, "dex-desk", "other") is None


def point(at_ns: int) -> HistoryPoint:
    return HistoryPoint(at_ns, D("0.25"), None, D("0.26"), D(1000), D("1.5"), None, "ACTIVE")


async def test_history_of_the_last_hour_or_more(client: redis.asyncio.Redis) -> None:
    for second in range(10):
        await market.append_history(client, "m", point(NOW + second * 1_000_000_000))
    found = market.read_history_sync("m", NOW + 4_000_000_000)
    assert [one.at_ns for one in found] == [NOW + second * 1_000_000_000 for second in range(4, 10)]
    assert found[0] == point(NOW + 4_000_000_000)
    newest = await market.read_history(client, "m", NOW, limit=2)
    assert [one.at_ns for one in newest] == [NOW + 8_000_000_000, NOW + 9_000_000_000]


async def test_history_goes_on_after_the_clock_was_set_back_and_forgets_old_points(client: redis.asyncio.Redis) -> None:
    await market.append_history(client, "m", point(NOW))
    await market.append_history(client, "m", point(NOW - 60_000_000_000))
    assert len(market.read_history_sync("m", 0)) == 2
    for second in range(0, 3 * 3600, 20):
        await market.append_history(client, "m", point(NOW + second * 1_000_000_000))
    kept = market.read_history_sync("m", 0, limit=10_000)
    assert len(kept) < 3 * 180  # a trim in whole nodes: not exact, but bounded
    assert kept[-1].at_ns - kept[0].at_ns >= 3600 * 1_000_000_000


async def test_poll_requests_are_heard_once(client: redis.asyncio.Redis) -> None:
    assert await market.pop_poll_request(client, "dex-desk", timeout_s=0.05) is None
    market.push_poll_request_sync("dex-desk", "stale webhook")
    await market.push_poll_request(client, "dex-desk", "another")
    assert await market.pop_poll_request(client, "dex-desk") == "stale webhook"
    assert await market.pop_poll_request(client, "dex-desk", timeout_s=0.05) is None
    for number in range(200):
        market.push_poll_request_sync("dex-desk", str(number))
    assert sync_client().llen(keys.poll_request("dex-desk")) == market.POLL_REQUESTS_KEPT


async def test_heartbeats(client: redis.asyncio.Redis) -> None:
    assert market.heartbeats() == {}
    await market.beat(client, "market_data", NOW)
    market.beat_sync("relay", NOW + 1)
    await client.set(keys.heartbeat("broken"), "soon")
    assert market.heartbeats() == {"market_data": NOW, "relay": NOW + 1}


async def test_the_age_of_a_view_never_heard_of_is_no_small_number(client: redis.asyncio.Redis) -> None:
    view = replace(Desk().view(), published_ns=NOW)
    assert market.feed_age_s(view, NOW) > 3600
