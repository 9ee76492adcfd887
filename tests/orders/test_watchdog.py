"""The watchdog: one keeper per account, halted markets cleared until the venue shows none, whatever store is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from tests.quoting.world import CEX, DEX, World
from trading.hot_state import keys
from trading.hot_state.controls import HotControl, tighten_sync
from trading.models import Event, TradingControl
from trading.orders import watchdog as watchdog_module
from trading.orders.keeper import Keeper
from trading.orders.watchdog import Watchdog
from trading.registry.selectors import active_markets
from trading.venues.interface import OrderRequest, Side, VenueUnavailable


@pytest.fixture
def dog(world: World) -> Iterator[Watchdog]:
    world.ready()
    made = dog_of(world, "first")
    yield made
    made.database.close()


def dog_of(world: World, owner: str, slug: str = DEX) -> Watchdog:
    venue = world.dex if slug == DEX else world.cex
    markets = [market for market in active_markets() if market.slug == slug]
    return Watchdog(venue, markets, world.worker(owner).redis, world.clock, owner)


def rest(world: World, count: int) -> None:
    for number in range(count):
        world.dex._place(OrderRequest(DEX, Side.BUY, Decimal("0.2"), Decimal(1000), f"m1b0e1c{number}"))


def halt(scope: str) -> None:
    assert TradingControl.objects.filter(scope=scope).update(state="HALTED") == 1


def told(world: World) -> dict[str, Any]:
    return dict(json.loads(world.redis.get(keys.cleared(DEX))))


@pytest.mark.parametrize("scope", [DEX, "desk"])
async def test_a_halted_market_is_cleared_and_told(world: World, dog: Watchdog, scope: str) -> None:
    rest(world, 3)
    await dog.look()
    assert len(world.dex.resting()) == 3  # nothing is halted
    halt(scope)
    world.clock.advance(1)
    await dog.look()
    assert world.dex.resting() == []
    assert (told(world)["cancelled"], told(world)["resting"]) == (3, 0)
    event = Event.objects.get(type="control.cleared")
    assert event.aggregate == f"control:{DEX}" and event.payload["cancelled"] == 3


async def test_another_market_s_kill_touches_nothing_here(world: World, dog: Watchdog) -> None:
    rest(world, 2)
    halt(CEX)
    await dog.look()
    assert len(world.dex.resting()) == 2


async def test_an_order_that_arrives_after_the_clearing_is_found_and_cancelled(world: World, dog: Watchdog) -> None:
    halt(DEX)
    await dog.look()
    assert told(world)["resting"] == 0
    rest(world, 1)
    world.clock.advance(0.6)
    await dog.look()
    assert world.dex.resting() == []
    assert Event.objects.filter(type="control.cleared").count() == 1


async def test_a_venue_that_keeps_an_order_is_asked_again_and_again(world: World, dog: Watchdog) -> None:
    rest(world, 1)
    halt(DEX)
    real, calls = world.dex.cancel_all, []

    async def deaf(market: str | None = None) -> int:
        calls.append(market)
        return 0 if len(calls) < 4 else await real(market)

    world.dex.cancel_all = deaf
    for _ in range(3):
        await dog.look()
        assert told(world)["resting"] == 1
    await dog.look()
    assert calls == [DEX] * 4 and told(world)["resting"] == 0


async def test_a_venue_that_is_away_is_told_as_unknown(world: World, dog: Watchdog) -> None:
    halt(DEX)

    async def away(market: str | None = None) -> int:
        raise VenueUnavailable("away")

    world.dex.cancel_all = away
    await dog.look()
    assert told(world)["resting"] is None
    assert not Event.objects.filter(type="control.cleared").exists()


async def test_with_postgresql_away_an_announced_kill_still_clears(world: World, dog: Watchdog, monkeypatch) -> None:
    rest(world, 2)

    def away(*_: object) -> object:
        raise OperationalError("away")

    monkeypatch.setattr(watchdog_module, "effective_states", away)
    tighten_sync(HotControl("desk", "halted", world.clock.now_ns()))
    await dog.look()
    assert world.dex.resting() == []


async def test_with_redis_away_a_stored_kill_still_clears(world: World, dog: Watchdog, monkeypatch) -> None:
    rest(world, 2)
    halt(DEX)
    import redis

    async def away(*_: object) -> object:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(watchdog_module, "read_tightenings", away)
    monkeypatch.setattr(watchdog_module, "write_cleared", away)
    await dog.look()
    assert world.dex.resting() == []


async def test_of_two_watchdogs_of_one_account_only_one_renews_and_the_other_takes_over(
    world: World, dog: Watchdog
) -> None:
    other = dog_of(world, "second")
    keepers = [Keeper(world.dex, (DEX,), one.client, world.clock) for one in (dog, other)]
    assert [await dog.renew(keepers[0]), await other.renew(keepers[1])] == [True, False]
    assert world.dex.cancel_after_calls == [10.0]
    world.redis.delete(keys.keeper(world.dex.account))  # as it expires when its owner dies
    assert [await other.renew(keepers[1]), await dog.renew(keepers[0])] == [True, False]
    other.database.close()
