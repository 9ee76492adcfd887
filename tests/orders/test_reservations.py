"""Reservations of worst-case exposure, checked inside Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading.hot_state import keys
from trading.hot_state.reservations import (
    Reservation,
    SharedLimits,
    parse_reserve,
    queue_reserve,
    queue_state,
    read_reservations,
    reserve,
    restore,
)
from trading.risk.exposure import MarketExposure, WorstCase, blocked_sides
from trading.risk.side import Side


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    made = redis.asyncio.Redis.from_url(redis_url, socket_timeout=5)
    yield made
    await made.aclose()


def worst(slug: str, long: int, short: int, asset: str = "dct", mark: str = "1") -> Reservation:
    return Reservation(slug, asset, Decimal(long), Decimal(short), Decimal(mark), Decimal(0))


def limits(asset: int | None, desk: int | None, *slugs: str) -> SharedLimits:
    return SharedLimits(None if asset is None else Decimal(asset), None if desk is None else Decimal(desk), slugs)


async def ask(
    client: redis.asyncio.Redis, wanted: Reservation, shared: SharedLimits, was: tuple[int, int] = (0, 0)
) -> tuple[str, str]:
    standing = replace(wanted, long=Decimal(was[0]), short=Decimal(was[1]))
    result = await reserve(client, wanted, standing, shared)
    assert not result.missing
    return result.buy, result.sell


async def test_two_markets_at_once_never_pass_the_limit_they_share(client: redis.asyncio.Redis) -> None:
    results = await asyncio.gather(*(ask(client, worst(f"m{i}", 30, -30), limits(100, None)) for i in range(10)))
    assert sorted(results) == [("", "")] * 3 + [("asset", "asset")] * 7


async def test_longs_and_shorts_do_not_net_and_the_desk_counts_the_larger_side(client: redis.asyncio.Redis) -> None:
    assert await ask(client, worst("a", 60, 0), limits(100, 100)) == ("", "")
    assert await ask(client, worst("b", 0, -60), limits(100, 100)) == ("", "")
    assert await ask(client, worst("c", 50, -50), limits(100, 100)) == ("asset", "asset")
    assert await ask(client, worst("d", 30, 0, "gram", "2"), limits(None, 100)) == ("desk", "")
    assert await ask(client, worst("d", 20, 0, "gram", "2"), limits(None, 100)) == ("", "")


async def test_reducing_passes_above_a_limit(client: redis.asyncio.Redis) -> None:
    assert await ask(client, worst("a", 90, 0), limits(100, None)) == ("", "")
    assert await ask(client, worst("a", 90, 0), limits(50, None), was=(90, 0)) == ("", "")
    assert await ask(client, worst("a", 95, 0), limits(50, None), was=(90, 0)) == ("asset", "")


async def test_a_side_that_is_blocked_does_not_hold_the_other_back(client: redis.asyncio.Redis) -> None:
    """90 long against a limit of 50: no more bid, but the ask that takes it down rests, and is reserved."""
    assert await ask(client, worst("a", 120, -20), limits(50, 60), was=(90, 0)) == ("asset", "")
    assert (await read_reservations(client))["a"] == worst("a", 90, -20)


async def test_an_unknown_market_blocks_until_it_is_restored(client: redis.asyncio.Redis) -> None:
    shared, nothing = limits(100, None, "a", "b"), worst("a", 0, 0)
    result = await reserve(client, worst("a", 10, 0), nothing, shared)
    assert (result.missing, await read_reservations(client)) == (("b",), {})
    assert await restore(client, worst("b", 95, 0))
    assert not await restore(client, worst("b", 1, 0))
    assert await ask(client, worst("a", 10, 0), shared) == ("asset", "")
    assert await ask(client, worst("a", 5, 0), shared) == ("", "")


async def test_what_another_process_restored_of_us_permits_nothing(client: redis.asyncio.Redis) -> None:
    """A rebuilt row may hold intents that are only now being asked for."""
    await restore(client, worst("a", 500, -500))
    assert await ask(client, worst("a", 500, -500), limits(100, None)) == ("asset", "asset")
    assert await ask(client, worst("a", 90, -90), limits(100, None)) == ("", "")


@pytest.mark.parametrize("body", [b"garbage", b"", b"dct|x|0|1|0", b"dct|nan|0|1|0", b"dct|inf|0|1|0", b"\xff|1|0|1"])
async def test_a_row_that_cannot_be_read_is_a_missing_one(client: redis.asyncio.Redis, body: bytes) -> None:
    """Of a market that is traded it is rebuilt, of any other it is dropped, and our own is written anew."""
    shared, nothing = limits(100, 100, "a", "b"), worst("a", 0, 0)
    await client.hset(keys.reservations(), mapping={"b": body, "a": body, "old": body})
    assert (await reserve(client, worst("a", 10, 0), nothing, shared)).missing == ("b",)
    await restore(client, worst("b", 95, 0))
    assert await ask(client, worst("a", 5, 0), shared) == ("", "")
    assert set(await client.hkeys(keys.reservations())) == {b"a", b"b"}


_SIZES = st.integers(-50, 50)
_ROW = st.tuples(st.sampled_from(["dct", "gram"]), _SIZES, _SIZES, st.sampled_from(["1", "0.5", "2"]))
_LIMIT = st.none() | st.integers(1, 150)


@given(st.lists(_ROW, max_size=4), _ROW, st.tuples(_SIZES, _SIZES), _LIMIT, _LIMIT)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_blocks_exactly_what_the_risk_rule_blocks(
    redis_url: str,
    others: list[tuple[str, int, int, str]],
    own: tuple[str, int, int, str],
    was: tuple[int, int],
    asset_hard: int | None,
    desk_hard: int | None,
) -> None:
    """Numbers that doubles hold exactly, so that script and rule must agree to the last one."""
    rows = {f"m{i}": worst(f"m{i}", long, short, asset, mark) for i, (asset, long, short, mark) in enumerate(others)}
    asset, long, short, mark = own
    wanted, shared = worst("own", long, short, asset, mark), limits(asset_hard, desk_hard)
    standing = replace(wanted, long=Decimal(was[0]), short=Decimal(was[1]))
    with redis.Redis.from_url(redis_url, socket_timeout=5) as client:
        client.delete(keys.reservations())
        for row in rows.values():
            queue_state(client, row)
        result = parse_reserve(queue_reserve(client, wanted, standing, shared))
    expected = blocked_sides(
        _exposure(standing),
        WorstCase(wanted.long, wanted.short),
        [_exposure(row) for row in rows.values()],
        shared.asset_hard,
        shared.desk_hard,
    )
    found = {Side.BUY: result.buy, Side.SELL: result.sell}
    assert found == {side: expected[side].value.removeprefix("exposure_") if side in expected else "" for side in Side}


def _exposure(row: Reservation) -> MarketExposure:
    return MarketExposure(row.asset, WorstCase(row.long, row.short), row.mark)
