"""No sequence of events gets an order accepted past the limit in force when it was signed, judged by the engine's own books.

Fills, answers lost before and after executing, cancels that are lost, a Redis that loses everything, workers that die, limits
that are lowered, a ledger that lags or never hears: in any order. The engine is the sandbox's, PostgreSQL and Valkey are real.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcmm_portal.embedded import postgres
from tests.ledger.property import FACTOR
from tests.quoting.engine_venue import EngineVenue
from tests.quoting.world import CEX, DEX, World, demo_world
from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.hot_state.orders import apply_venue_order
from trading.models import Fill, Market, Order, ParameterSet
from trading.parameters.services import apply_version, current_values
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick
from trading.sandbox.types import RecordTrade
from trading.sandbox.types import Side as EngineSide
from trading.venues.interface import OutcomeUnknown, RateLimited, StepKind, VenueError

LOT, MID = Decimal(1000), Decimal("0.2700")
EVENTS = (
    "tick", "tick", "tick", "move", "fill_bid", "fill_ask", "part_of_bid", "part_of_ask", "stream", "ledger", "lose_answer",
    "lose_request", "throttle", "cancel_lost", "worker_dies", "redis_lost", "lower_limit", "raise_limit", "ledger_forgets",
)  # fmt: skip


class Story:
    """One desk and one fresh engine; every event is a method."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.mid, self.booked = world, MID, 0
        self.venue = EngineVenue(world.clock, folder, lambda: self.row().q_hard_lots * LOT)
        world.venues["dex-desk"] = self.venue
        self.worker = world.worker("first")
        self.workers = 1

    def row(self) -> ParameterSet:
        return ParameterSet.objects.select_related("market").get(market__slug=DEX)

    async def begin(self) -> None:
        Order.objects.filter(market__slug=DEX, status__in=Order.OPEN_STATUSES).update(status="CANCELLED")
        with psycopg.connect(SERVERS.database_url(DATABASE_NAME, postgres.OWNER_ROLE)) as owner:
            owner.execute("UPDATE locks SET lifted_at = now() WHERE lifted_at IS NULL")
        self.world.redis.flushdb()
        self.world.clock.advance(600)
        self.limit(Decimal(12))
        self.world.position(DEX, 0)
        self.world.ready(DEX)
        for _ in range(9):
            await self.tick()
        assert len(self.venue.resting()) == 2, self.world.status()

    async def happen(self, event: str) -> None:
        result = getattr(self, event)()
        if result is not None:
            await result

    async def tick(self) -> None:
        self.world.clock.advance(1)
        self.world.publish(DEX, mid=self.mid)
        self.world.redis.set(keys.reconciled("dex-desk"), b"")
        await run_tick(self.worker, Tick(0, 1, self.world.clock.now_ns() // 10**9, 1.0))
        self.venue.before.clear()
        self.venue.after.clear()

    def move(self) -> None:
        self.mid += Decimal("0.0010") if self.mid <= MID else -Decimal("0.0010")

    # --- fills, and who hears of them ---------------------------------------------------------------------------------

    def fill_bid(self, part: int = 1) -> None:
        self._trade(EngineSide.BUY, EngineSide.SELL, part)

    def fill_ask(self, part: int = 1) -> None:
        self._trade(EngineSide.SELL, EngineSide.BUY, part)

    def part_of_bid(self) -> None:
        self.fill_bid(3)

    def part_of_ask(self) -> None:
        self.fill_ask(3)

    def _trade(self, ours: EngineSide, taker: EngineSide, part: int) -> None:
        found = [one for one in self.venue.engine.open_orders("desk") if one.side is ours]
        for order in found[:1]:
            size = max(Decimal(1), order.remaining // part)
            record = RecordTrade(0, taker, order.price, size)
            self.venue.engine.apply_record("DCT/USDT", record, self.world.clock.now_ns())

    async def stream(self) -> None:
        """The own-order stream tells where every order of this story stands."""
        for order in self.venue.all_orders():
            told = await self.venue.fetch_order(DEX, order.client_order_id)
            assert told is not None
            await apply_venue_order(self.worker.redis, DEX, told, self.world.clock.now_ns())

    def ledger(self) -> None:
        """Every fill is booked, and the position published."""
        now = to_datetime(self.world.clock.now_ns())
        market = Market.objects.get(slug=DEX)
        for fill in self.venue.fills()[self.booked :]:
            Fill.objects.create(
                market=market, venue="v", account="dex-desk", symbol="S", trade_id=f"{now.timestamp()}:{fill.trade_id}",
                order_id=fill.order_id, client_order_id=fill.client_order_id, side=fill.side.value, price=fill.price,
                size=fill.size, maker=True, source="stream", ledger_seq=1, executed_at=now, booked_at=now,
            )  # fmt: skip
        self.booked = len(self.venue.fills())
        self.world.position(DEX, self.venue.bought() / LOT)

    def ledger_forgets(self) -> None:
        """Redis lost the published position; nobody quotes before it is back."""
        self.world.redis.delete(keys.position(DEX))

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def lose_answer(self) -> None:
        self._fail(self.venue.after, OutcomeUnknown("answer lost"), StepKind.SUBMIT, StepKind.AMEND)

    def lose_request(self) -> None:
        self._fail(self.venue.before, OutcomeUnknown("connection reset"), StepKind.SUBMIT, StepKind.AMEND)

    def throttle(self) -> None:
        self._fail(self.venue.before, RateLimited("too many"), *StepKind)

    def cancel_lost(self) -> None:
        self._fail(self.venue.before, OutcomeUnknown("time-out"), StepKind.CANCEL)
        self.move()

    def _fail(self, where: dict[StepKind, Callable], error: VenueError, *kinds: StepKind) -> None:
        def fail(step: object) -> None:
            raise error

        where.update(dict.fromkeys(kinds, fail))

    async def worker_dies(self) -> None:
        """In the middle of a cycle: the lease stays held, and a successor has to wait and sweep."""
        await self.worker.close()
        until_ns = self.world.clock.now_ns() + 3 * 10**9
        if self.world.redis.exists(keys.lease(DEX)):
            self.world.redis.hset(
                keys.lease(DEX), mapping={"phase": "held", "owner": "dead", "expires_ns": str(until_ns)}
            )
        self.workers += 1
        self.worker = self.world.worker(f"worker-{self.workers}")

    def redis_lost(self) -> None:
        """The ledger publishes the committed position again, market_data the account; unbooked fills are in nobody's memory."""
        self.world.redis.flushdb()
        self.ledger()
        self.world.ready(DEX)

    def lower_limit(self) -> None:
        self.limit(Decimal(3))

    def raise_limit(self) -> None:
        self.limit(Decimal(12))

    def limit(self, hard: Decimal) -> None:
        row = self.row()
        values = current_values(row) | {"q_soft_lots": hard / 3, "soft_limit_lots": hard * 2 / 3, "q_hard_lots": hard}
        who = {"authorised_by": "test", "actor_id": "1", "actor_name": "test", "reason": "test"}
        apply_version(row.market, values, now=to_datetime(self.world.clock.now_ns()), **who)


@pytest.fixture(scope="module")
def world(django_db_blocker) -> Iterator[World]:
    sync_client.cache_clear()
    with django_db_blocker.unblock():
        with demo_world(os.environ["REDIS_URL"]) as made:
            Market.objects.filter(slug=CEX).update(is_active=False)
            yield made
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


async def tell(world: World, folder: Path, events: list[str]) -> Story:
    story = Story(world, folder)
    await story.begin()
    for event in events:
        await story.happen(event)
        await story.tick()
    for _ in range(9):
        await story.tick()
    await story.worker.close()
    return story


@settings(
    max_examples=12 * FACTOR,
    deadline=None,
    database=None,
    derandomize=FACTOR == 1,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(events=st.lists(st.sampled_from(EVENTS), min_size=8, max_size=20))
def test_no_order_is_accepted_past_the_limit_in_force(
    world: World, tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    story = asyncio.run(tell(world, tmp_path_factory.mktemp("engine"), events))
    assert [one for one in story.venue.accepted if one.is_breach] == []
    assert len(story.venue.accepted) >= 2
    resting = story.venue.resting()
    assert len({one.side for one in resting}) == len(resting), "never two of a side"
    held = {one.client_order_id for one in world.live()}
    assert {one.client_order_id for one in resting} <= held


def test_the_judge_sees_a_breach(world: World, tmp_path: Path) -> None:
    """A desk whose position is never told goes on buying: the engine's books show it."""

    async def blind() -> Story:
        story = Story(world, tmp_path)
        await story.begin()
        for _ in range(16):
            story.fill_bid()
            await story.stream()
            for order in world.orders().values():
                world.redis.hdel(keys.open_orders(DEX), order.client_order_id)  # nobody remembers that they filled
            world.redis.delete(keys.cycle(DEX))
            Order.objects.filter(market__slug=DEX, status__in=Order.OPEN_STATUSES).update(status="CANCELLED")
            await story.tick()
        await story.worker.close()
        return story

    assert any(one.is_breach for one in asyncio.run(blind()).venue.accepted)
