"""Reservations of worst-case exposure, checked inside Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import redis.asyncio

from trading.hot_state.reservations import Reservation, SharedLimits, reserve, restore


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    made = redis.asyncio.Redis.from_url(redis_url, socket_timeout=5)
    yield made
    await made.aclose()


def worst(slug: str, long: int, short: int, asset: str = "dct", mark: str = "1") -> Reservation:
    return Reservation(slug, asset, Decimal(long), Decimal(short), Decimal(mark))


def limits(asset: int | None, desk: int | None, *slugs: str) -> SharedLimits:
    return SharedLimits(None if asset is None else Decimal(asset), None if desk is None else Decimal(desk), slugs)


async def test_two_markets_at_once_never_pass_the_limit_they_share(client: redis.asyncio.Redis) -> None:
    shared = limits(100, None)
    results = await asyncio.gather(*(reserve(client, worst(f"m{i}", 30, -30), shared) for i in range(10)))
    assert sorted(result.blocked_by for result in results) == [""] * 3 + ["asset"] * 7


async def test_longs_and_shorts_do_not_net_and_the_desk_counts_the_larger_side(client: redis.asyncio.Redis) -> None:
    assert (await reserve(client, worst("a", 60, 0), limits(100, 100))).blocked_by == ""
    assert (await reserve(client, worst("b", 0, -60), limits(100, 100))).blocked_by == ""
    assert (await reserve(client, worst("c", 50, 0), limits(100, 100))).blocked_by == "asset"
    assert (await reserve(client, worst("d", 30, 0, "gram", "2"), limits(None, 100))).blocked_by == "desk"
    assert (await reserve(client, worst("d", 20, 0, "gram", "2"), limits(None, 100))).blocked_by == ""


async def test_reducing_passes_above_a_limit(client: redis.asyncio.Redis) -> None:
    assert (await reserve(client, worst("a", 90, 0), limits(100, None))).blocked_by == ""
    assert (await reserve(client, worst("a", 80, 0), limits(50, None))).blocked_by == ""
    assert (await reserve(client, worst("a", 85, 0), limits(50, None))).blocked_by == "asset"


async def test_an_unknown_market_blocks_until_it_is_restored(client: redis.asyncio.Redis) -> None:
    shared = limits(100, None, "a", "b")
    result = await reserve(client, worst("a", 10, 0), shared)
    assert (result.blocked_by, result.missing) == ("absent", ("b",))
    assert await restore(client, worst("b", 95, 0))
    assert not await restore(client, worst("b", 1, 0))
    assert (await reserve(client, worst("a", 10, 0), shared)).blocked_by == "asset"
    assert (await reserve(client, worst("a", 5, 0), shared)).blocked_by == ""


async def test_what_another_process_restored_of_us_permits_nothing(client: redis.asyncio.Redis) -> None:
    await restore(client, worst("a", 500, -500))
    assert (await reserve(client, worst("a", 500, -500), limits(100, None))).blocked_by == "asset"
    assert (await reserve(client, worst("a", 90, -90), limits(100, None))).blocked_by == ""
