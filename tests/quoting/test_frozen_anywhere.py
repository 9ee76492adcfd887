"""A worker that is stopped at any await of the submit path for 5, 20 or 60 seconds, while a successor takes over.

Stopped is what SIGSTOP makes of a process: nothing of it runs, the clocks go on, the world does too. The successor quotes from a
thread with an event loop of its own while the frozen worker's loop stands still in the middle of an await.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connections

from tests.quoting.await_points import Point, watching
from tests.quoting.engine_venue import EngineVenue
from tests.quoting.world import CEX, DEX, World, demo_world
from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.hot_state import keys
from trading.models import Market, ParameterSet
from trading.orders.client_ids import parse_client_order_id
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick

MIDS = (Decimal("0.2700"), Decimal("0.2720"))
STOPPED_S = (5, 20, 60)
# Every await between a tick and its end, as `test_no_await_is_missing` finds them. A new one belongs here, and is tried then.
POINTS: tuple[Point, ...] = (
    "engine_venue.EngineVenue._one:1",
    "engine_venue.EngineVenue._one:2",
    "hot_state.claims.claim_slot:1",
    "hot_state.orders.change_orders:1",
    "hot_state.orders.change_orders:3",
    "hot_state.orders.read_open_orders:1",
    "hot_state.reservations.read_reservations:1",
    "hot_state.snapshot.acquire_with_snapshot:1",
    "orders.database.DatabaseThreads.run:1",
    "orders.execute._ask:1",
    "orders.execute._gate:1",
    "orders.execute._record:1",
    "orders.execute._record:2",
    "orders.execute._reserve:2",
    "orders.execute._send:1",
    "orders.execute._send:2",
    "orders.execute.execute:1",
    "orders.execute.execute:2",
    "quoting.connections.Connections._open:2",
    "quoting.connections.Connections.venue:1",
    "quoting.cycle._acquire:1",
    "quoting.cycle._quote:1",
    "quoting.cycle._quote:5",
    "quoting.cycle._quote:6",
    "quoting.cycle._quote:9",
    "quoting.cycle.run_cycle:1",
    "quoting.cycle.run_cycle:2",
    "quoting.cycle.run_cycle:3",
    "quoting.governed.GovernedCache._read:1",
    "quoting.governed.GovernedCache._read:2",
    "quoting.governed.GovernedCache.refresh:1",
    "quoting.record.finish:2",
    "quoting.sending.send:1",
    "quoting.shard.run_tick:1",
    "quoting.shard.run_tick:2",
    "quoting.shard.run_tick:3",
    "quoting.shard.run_tick:4",
)


class Stage:
    """One world for all points: the successor of one is the market's holder before the next."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        hard = ParameterSet.objects.get(market__slug=DEX).q_hard_lots * 1000
        self.venue = EngineVenue(world.clock, folder, lambda: hard, amend=False)
        world.venues["dex-desk"] = self.venue
        world.ready(DEX)
        Market.objects.filter(slug=CEX).update(is_active=False)
        self.turn = 0

    async def tick(self, worker, step_s: float = 1.0) -> str:
        self.world.clock.advance(step_s)
        self.world.publish(DEX, mid=MIDS[self.turn % 2])
        slot = self.world.clock.now_ns() // 10**9
        return (await run_tick(worker, Tick(0, 1, slot, 1.0))).get(DEX, "none")

    def move(self) -> None:
        """The market is elsewhere: whoever quotes has to cancel and place."""
        self.turn += 1

    async def quotes(self, name: str, most: int = 16) -> None:
        """A worker ticks until both sides rest."""
        worker = self.world.worker(name)
        for _ in range(most):
            if await self.tick(worker) == "quoting" and len(self.venue.resting()) == 2:
                break
            if self.world.redis.exists(keys.cycle(DEX)) and self.world.status().reason == "lock_breaker":
                self.world.clock.advance(300)  # its input stood still for a minute: the breaker cools down
        else:
            raise AssertionError(f"{name}: {self.world.status()}")
        await worker.close()

    def epoch(self) -> int:
        return int(self.world.lease()["epoch"])


@pytest.fixture(scope="module")
def stage(django_db_blocker, tmp_path_factory) -> Iterator[Stage]:
    from trading.hot_state.connection import sync_client

    sync_client.cache_clear()
    with django_db_blocker.unblock():
        with demo_world(os.environ["REDIS_URL"]) as world:
            world.redis.flushdb()
            yield Stage(world, tmp_path_factory.mktemp("engine"))
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


async def test_no_await_is_missing(stage: Stage) -> None:
    """Both ways of moving a quote: cancelling and placing anew, and amending."""
    seen: set[Point] = set()
    for can_amend in (False, True):
        stage.venue.capabilities = replace(stage.venue.capabilities, amend=can_amend)
        await stage.quotes("before")
        stage.move()
        worker = stage.world.worker("watched")
        with watching(seen.add):
            await stage.tick(worker)
        await worker.close()
    stage.venue.capabilities = replace(stage.venue.capabilities, amend=False)
    assert sorted(seen - set(POINTS)) == []
    assert len(seen) > 30


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_stopped_there_harms_nothing(stage: Stage, point: Point) -> None:
    for seconds in STOPPED_S:
        await stage.quotes("before")
        stage.move()
        accepted = len(stage.venue.accepted)
        late = await stopped_at(stage, point, seconds)
        assert late.was_there, "the point was not reached: is it gone?"
        assert [one for one in stage.venue.accepted[accepted:] if one.is_breach] == []
        assert late.epochs <= {late.epoch}, "nothing of an earlier epoch after the successor swept"
        await stage.quotes("after")
        resting = stage.venue.resting()
        assert sorted(one.side.value for one in resting) == ["buy", "sell"]
        assert {parse_client_order_id(one.client_order_id).epoch for one in resting} == {stage.epoch()}
        held = {one.client_order_id for one in stage.world.live() if one.status == "LIVE"}
        assert {one.client_order_id for one in resting} <= held, "nothing rests without an owner"


@dataclass
class Stopped:
    """`epoch` in force when the stopped worker went on, and the `epochs` of what the venue accepted from then on."""

    was_there: bool = False
    epoch: int = 0
    epochs: set[int] = field(default_factory=set)


async def stopped_at(stage: Stage, point: Point, seconds: float) -> Stopped:
    """Let a worker tick, stopped at `point` for `seconds` and until a successor quotes."""
    found, known, worker = Stopped(), set[str](), stage.world.worker("stopped")

    def stop(reached: Point) -> None:
        if reached != point or found.was_there:
            return
        found.was_there = True
        stage.world.clock.advance(seconds)
        succeeding = threading.Thread(target=lambda: asyncio.run(stage.quotes("successor")))
        succeeding.start()
        succeeding.join()
        found.epoch = stage.epoch()
        known.update(one.client_order_id for one in stage.venue.all_orders())

    with watching(stop):
        await stage.tick(worker)
    await worker.close()
    new = {one.client_order_id for one in stage.venue.all_orders()} - known
    found.epochs = {parse_client_order_id(name).epoch for name in new} if found.was_there else set()
    return found
