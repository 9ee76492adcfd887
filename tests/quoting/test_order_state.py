"""What the hot state, PostgreSQL and the venue believe of own orders comes together again after each lost message."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import OperationalError

from tests.quoting.world import CEX, DEX, World
from trading.hot_state import keys
from trading.hot_state.orders import apply_venue_order
from trading.models import Order
from trading.orders import execute as sending
from trading.orders.gate import GateAnswer, GateRequest
from trading.orders.keeper import Keeper
from trading.quoting.connections import Connections
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick
from trading.venues.interface import OutcomeUnknown, QuoteStep, StepKind

MOVED = Decimal("0.2720")


async def tick_at(world: World, worker: Connections, mid: Decimal) -> None:
    """One second later, with the market at `mid`."""
    world.clock.advance(1)
    world.publish(mid=mid)
    world.publish(CEX)
    await run_tick(worker, Tick(0, 1, world.clock.now_ns() // 10**9, 1.0))


def off_market(world: World, mid: Decimal) -> list[Decimal]:
    """Prices of resting orders more than half a percent from `mid`."""
    return [one.price for one in world.dex.resting() if abs(one.price / mid - 1) > Decimal("0.005")]


async def rest_with_lost_answers(world: World, worker: Connections) -> None:
    def lost(step: QuoteStep) -> None:
        raise OutcomeUnknown("answer lost")

    world.dex.after[StepKind.SUBMIT] = lost
    await world.tick(worker)
    del world.dex.after[StepKind.SUBMIT]


async def test_an_order_proved_by_the_stream_after_a_lost_answer_follows_the_market(world: World) -> None:
    world.ready()
    worker = world.worker()
    await rest_with_lost_answers(world, worker)
    for order in world.dex.resting():
        await apply_venue_order(worker.redis, DEX, order, world.clock.now_ns())
    assert {one.status for one in world.live()} == {"LIVE"}
    assert set(Order.objects.filter(market__slug=DEX).values_list("status", flat=True)) == {"UNKNOWN"}
    for _ in range(3):
        await tick_at(world, worker, MOVED)
    assert len(world.dex.resting()) == 2 and off_market(world, MOVED) == []
    assert set(Order.objects.filter(market__slug=DEX).values_list("status", flat=True)) == {"LIVE"}
    await worker.close()


async def test_an_order_that_postgresql_holds_for_done_is_cancelled_not_left(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    Order.objects.filter(market__slug=DEX).update(status="CANCELLED")
    for _ in range(4):
        await tick_at(world, worker, MOVED)
    assert len(world.dex.resting()) == 2 and off_market(world, MOVED) == []
    await worker.close()


async def test_a_gate_that_cannot_be_asked_leaves_no_quote_off_the_market(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)

    def away(request: GateRequest) -> GateAnswer:
        raise OperationalError("gone")

    monkeypatch.setattr(sending, "pass_gate", away)
    await tick_at(world, worker, MOVED)
    assert off_market(world, MOVED) == []
    await worker.close()


async def test_intents_of_a_gate_whose_answer_was_lost_do_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    real = sending.pass_gate

    def answer_lost(request: GateRequest) -> GateAnswer:
        real(request)
        raise OperationalError("connection lost after the commit")

    monkeypatch.setattr(sending, "pass_gate", answer_lost)
    await world.tick(worker)
    await world.tick(worker)
    assert world.dex.submitted == []
    rows = Order.objects.filter(market__slug=DEX).values_list("status", flat=True)
    assert len(rows) == 4 and set(rows) == {"NOT_SENT"}
    await worker.close()


async def test_cancels_go_even_when_the_reservation_cannot_be_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    world.dex.capabilities = replace(world.dex.capabilities, amend=False)
    await world.tick(worker)
    before = len(world.dex.requests)

    async def broken(*_: object) -> str:
        raise ConnectionError("the reservation can't be asked")

    monkeypatch.setattr(sending, "_reserve", broken)
    await tick_at(world, worker, MOVED)
    assert [kind for kind, _ in world.dex.requests[before:]] == ["cancel", "cancel"]
    assert world.dex.resting() == []
    await worker.close()


async def test_what_was_under_way_when_redis_lost_all_is_unknown_not_unsent(world: World) -> None:
    world.ready()
    worker = world.worker()

    def flushed(step: QuoteStep) -> None:
        world.redis.flushdb()
        raise OutcomeUnknown("timeout")

    world.dex.after[StepKind.SUBMIT] = flushed
    await world.tick(worker)
    assert len(world.dex.resting()) == 2
    assert set(Order.objects.filter(market__slug=DEX).values_list("status", flat=True)) == {"UNKNOWN"}
    await worker.close()


async def test_a_clock_put_back_does_not_keep_orders_alive(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    keeper = Keeper(world.dex, (DEX,), worker.redis, world.clock)
    assert await keeper.beat()
    world.clock.skew(-3600)
    for _ in range(3):
        world.clock.advance(2.5)
        await keeper.beat()
    assert world.dex.resting() == []
    assert world.redis.exists(keys.cycle(DEX))
    await worker.close()
