"""The dead man's keeper, and taking everything off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import redis.asyncio

from tests.quoting.scripted_venue import ScriptedVenue
from trading.clock import FakeClock
from trading.hot_state.cycle import write_cycle
from trading.hot_state.values import CycleStatus
from trading.orders.cancel_all import cancel_all
from trading.orders.keeper import Keeper
from trading.registry.selectors import MarketRef
from trading.venues.interface import OrderRequest, Side

ONE = MarketRef(1, "one", "acc", "v", "a", "dct", "usdt", "ONE", Decimal(1), "")
TWO = MarketRef(2, "two", "acc", "v", "a", "gram", "usdt", "TWO", Decimal(1), "")


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    made = redis.asyncio.Redis.from_url(redis_url, socket_timeout=5)
    yield made
    await made.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def venue(clock: FakeClock) -> ScriptedVenue:
    return ScriptedVenue(clock, "acc")


def rest(venue: ScriptedVenue, market: str, client_id: str) -> None:
    venue._place(OrderRequest(market, Side.BUY, Decimal(1), Decimal(1), client_id))


async def tell(client: redis.asyncio.Redis, clock: FakeClock, slug: str, outcome: str = "quoting") -> None:
    await write_cycle(client, CycleStatus(slug, clock.now_ns(), "c", outcome, "", "active", "quoting"))


async def test_renews_while_both_markets_are_looked_after(
    client: redis.asyncio.Redis, clock: FakeClock, venue: ScriptedVenue
) -> None:
    keeper = Keeper(venue, ("one", "two"), client, clock)
    rest(venue, "one", "m1b0e1c1")
    await tell(client, clock, "one")
    await tell(client, clock, "two", "not_quoting")
    assert await keeper.beat()
    assert venue.cancel_after_calls == [10.0] and len(venue.resting()) == 1


async def test_a_stalled_market_is_swept_and_the_other_kept(
    client: redis.asyncio.Redis, clock: FakeClock, venue: ScriptedVenue
) -> None:
    keeper = Keeper(venue, ("one", "two"), client, clock)
    rest(venue, "one", "m1b0e1c1")
    rest(venue, "two", "m2b0e1c1")
    await tell(client, clock, "one")
    await tell(client, clock, "two")
    assert await keeper.beat()
    clock.advance(6)
    await tell(client, clock, "one")
    await tell(client, clock, "two", "error")
    assert await keeper.beat()
    assert [order.market for order in venue.resting()] == ["one"]


async def test_does_not_renew_what_it_cannot_sweep(
    client: redis.asyncio.Redis, clock: FakeClock, venue: ScriptedVenue
) -> None:
    keeper = Keeper(venue, ("one",), client, clock)
    rest(venue, "one", "m1b0e1c1")

    async def refuses(market: str | None = None) -> int:
        return 0

    venue.cancel_all = refuses
    assert not await keeper.beat()
    assert venue.cancel_after_calls == []


async def test_a_start_without_any_cycle_sweeps_first(
    client: redis.asyncio.Redis, clock: FakeClock, venue: ScriptedVenue
) -> None:
    rest(venue, "one", "m1b0e1c1")
    assert await Keeper(venue, ("one",), client, clock).beat()
    assert venue.resting() == [] and venue.cancel_after_calls == [10.0]


async def test_a_venue_that_is_away_does_not_end_the_keeper(
    client: redis.asyncio.Redis, clock: FakeClock, venue: ScriptedVenue
) -> None:
    keeper = Keeper(venue, ("one",), client, clock)
    venue.is_down = True
    assert not await keeper.beat()
    venue.is_down = False
    assert await keeper.beat()
    assert venue.cancel_after_calls == [10.0]


async def test_cancel_all_repeats_until_none_rests_and_tells_of_a_venue_that_is_away(clock: FakeClock) -> None:
    venue, away = ScriptedVenue(clock, "acc"), ScriptedVenue(clock, "other")
    away.is_down = True
    for number in range(3):
        rest(venue, "one", f"m1b0e1c{number}")
    real, calls = venue.cancel_all, []

    async def half_hearted(market: str | None = None) -> int:
        calls.append(1)
        return 0 if len(calls) < 3 else await real(market)

    venue.cancel_all = half_hearted
    other = MarketRef(3, "three", "other", "v", "a", "dct", "usdt", "X", Decimal(1), "")
    results = await cancel_all(
        [ONE, TWO, other], lambda refs, account, _: venue if account == "acc" else away, clock, timeout_s=3
    )
    assert [(one.account, one.resting) for one in results] == [("acc", 0), ("other", None)]
    assert results[0].cancelled == 3 and venue.resting() == [] and venue.closed == 1
    assert "VenueUnavailable" in results[1].problem
