"""The publisher: own orders are never older than the book they are taken out of; changes are coalesced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal as D

import pytest
import redis.asyncio

from tests.market_data.scripted_venue import book
from tests.market_data.test_reference import order
from tests.market_data.test_tracker import GOOD, Desk
from trading.hot_state import keys, market
from trading.hot_state.connection import async_client
from trading.hot_state.orders import queue_put, read_open_orders
from trading.hot_state.values import HotOrder
from trading.market_data import publisher as module
from trading.market_data.cadence import Cadence
from trading.market_data.publisher import MarketPublisher


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[redis.asyncio.Redis]:
    one = async_client()
    yield one
    await one.aclose()


def publisher(desk: Desk, client: redis.asyncio.Redis, cadence: Cadence | None = None) -> MarketPublisher:
    return MarketPublisher(desk.tracker, client, desk.clock, cadence or Cadence(), lambda tracker, now: ())


async def test_a_book_that_arrives_during_the_reading_is_netted_with_orders_read_after_it(
    client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    desk.book(GOOD)
    readings = 0

    async def slow(client: redis.asyncio.Redis, slug: str, *, with_gone: bool = False) -> tuple[HotOrder, ...]:
        nonlocal readings
        readings += 1
        found = await read_open_orders(client, slug, with_gone=with_gone)
        if readings == 1:  # meanwhile another process places a bid, and the venue shows it
            await queue_put(client, "m", [order("buy", "0.2501", "5", status="INTENT")])
            desk.book(book("m", [("0.2501", "5"), ("0.2500", "10")], [("0.2502", "10")]))
        return found

    monkeypatch.setattr(module, "read_open_orders", slow)
    await publisher(desk, client).publish()
    view = await market.read_market_view(client, "m")
    assert (view.bids[0].price, view.ext_bid) == (D("0.2501"), D("0.2500"))


async def test_unreadable_own_orders_leave_no_reference(client: redis.asyncio.Redis) -> None:
    desk = Desk()
    desk.book(GOOD)
    await client.hset(keys.open_orders("m"), "x", b"not an order")
    await publisher(desk, client).publish()
    view = await market.read_market_view(client, "m")
    assert (view.reference, view.problem) == (None, "own_orders_unreadable")


async def test_a_burst_of_changes_is_one_publication(client: redis.asyncio.Redis) -> None:
    desk = Desk()
    one = publisher(desk, client, Cadence(publish_gap_s=30.0, publish_s=30.0))
    for size in range(1, 200):
        desk.book(book("m", [("0.2500", str(size))], [("0.2502", "10")]))
        one.wake()
    running = asyncio.create_task(one.run())
    try:
        async with asyncio.timeout(5):
            while (view := await market.read_market_view(client, "m")) is None:
                await asyncio.sleep(0.005)
        assert view.bids[0].size == D(199)
        desk.clock.advance(0.01)
        desk.book(GOOD)  # within the pause: waits for it
        one.wake()
        await asyncio.sleep(0.05)
        assert await market.read_market_view(client, "m") == view
    finally:
        running.cancel()
