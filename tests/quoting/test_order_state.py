"""What the hot state, PostgreSQL and the venue believe of own orders comes together again after each lost message."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import OperationalError

from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.orders import apply_venue_order
from trading.hot_state.values import HotOrder
from trading.models import Fill, Order, ParameterSet
from trading.orders import execute as sending
from trading.orders import lost
from trading.orders.gate import GateAnswer, GateRequest
from trading.orders.keeper import Keeper
from trading.quoting.connections import Connections
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick
from trading.venues.interface import OutcomeUnknown, OwnOrder, QuoteStep, RateLimited, StepKind

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


async def test_a_lost_orders_key_does_not_double_the_quotes(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.redis.delete(keys.open_orders(DEX))
    await world.tick(worker)
    assert len(world.dex.resting()) == 2 == len(world.dex.submitted)
    assert {one.client_order_id for one in world.live()} == {one.client_order_id for one in world.dex.resting()}
    await worker.close()


async def test_one_lost_order_is_found_again(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.redis.hdel(keys.open_orders(DEX), world.dex.submitted[0].client_order_id)
    await world.tick(worker)
    assert len(world.dex.resting()) == 2 == len(world.dex.submitted) == len(world.live())
    await worker.close()


async def test_lost_orders_are_cancelled_while_postgresql_cannot_name_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.redis.delete(keys.open_orders(DEX))

    def away(market_id: int) -> tuple[HotOrder, ...]:
        raise OperationalError("gone")

    monkeypatch.setattr(lost, "open_order_rows", away)
    assert (await world.tick(worker))[DEX] == "error"
    assert world.dex.resting() == [] and len(world.dex.submitted) == 2
    await worker.close()


async def test_an_intent_that_came_too_late_to_be_taken_back_ends(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    row = Order.objects.filter(market__slug=DEX).first()
    assert row is not None
    row.client_order_id, row.status, row.venue_order_id = "m1b0e1c999", "INTENT", ""
    row.save(force_insert=True)
    for _ in range(lost.COMPARE_EVERY + 2):
        await world.tick(worker)
    assert Order.objects.get(client_order_id="m1b0e1c999").status == "CANCELLED"
    assert len(world.dex.resting()) == 2
    await worker.close()


@pytest.mark.parametrize("body", [b"garbage", b'{"side": 1}', b""])
@pytest.mark.parametrize("field", ["zzz", "own"])
async def test_an_unreadable_order_takes_everything_off_and_is_mended(world: World, body: bytes, field: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before = {one.client_order_id for one in world.dex.resting()}
    world.redis.hset(keys.open_orders(DEX), min(before) if field == "own" else field, body)
    assert (await world.tick(worker))[DEX] == "error"
    assert world.dex.resting() == []
    for _ in range(4):
        await world.tick(worker)
    assert world.status().outcome == "quoting"
    resting = {one.client_order_id for one in world.dex.resting()}
    assert len(resting) == 2 and not resting & before
    assert {one.client_order_id for one in world.live()} == resting
    await worker.close()


async def test_a_successor_is_not_stopped_by_an_unreadable_order(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.redis.hset(keys.open_orders(DEX), "zzz", b"garbage")
    world.redis.hset(keys.lease(DEX), mapping={"phase": "held", "owner": "dead", "expires_ns": world.clock.now_ns()})
    for _ in range(6):
        await world.tick(worker)
    assert world.status().outcome == "quoting" and len(world.dex.resting()) == 2
    await worker.close()


async def test_a_fill_that_the_ledger_never_heard_of_stays_in_the_worst_case(world: World) -> None:
    world.ready()
    worker = world.worker()
    hard = ParameterSet.objects.get(market__slug=DEX).q_hard_lots
    bought = Decimal(0)
    await world.tick(worker)
    for _ in range(25):
        for order in [one for one in world.dex.resting() if one.side.value == "buy"]:
            world.dex.fill(order.client_order_id, order.size)
            bought += order.size
            await apply_venue_order(worker.redis, DEX, world.dex.orders[order.client_order_id], world.clock.now_ns())
        await world.tick(worker)
    assert 0 < bought <= hard * 1000
    assert world.redis.llen(keys.poll_request("dex-desk")) >= 1, "the account's history is asked for"
    await worker.close()


@pytest.mark.parametrize("where", ["pending", "booked"])
async def test_a_filled_order_is_forgotten_once_inventory_contains_it(world: World, where: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    bid = next(one for one in world.dex.resting() if one.side.value == "buy")
    world.dex.fill(bid.client_order_id, bid.size)
    done = world.dex.orders[bid.client_order_id]
    await apply_venue_order(worker.redis, DEX, done, world.clock.now_ns())
    if where == "pending":
        world.redis.hset(keys.inbox_pending(DEX), f"v|dex-desk|S|t1|{done.venue_order_id}", str(done.filled))
    else:
        row = Order.objects.get(client_order_id=bid.client_order_id)
        Fill.objects.create(
            market=row.market, venue="v", account="dex-desk", symbol="S", trade_id="t1", order_id=done.venue_order_id,
            client_order_id=row.client_order_id, side="buy", price=row.price, size=done.filled, maker=True,
            source="stream", ledger_seq=1,
            executed_at=to_datetime(world.clock.now_ns()), booked_at=to_datetime(world.clock.now_ns()),
        )  # fmt: skip
    await world.tick(worker)
    assert world.orders()[bid.client_order_id].settled_filled == done.filled
    for _ in range(3):
        await world.tick(worker)
    assert bid.client_order_id not in world.orders()
    assert Order.objects.get(client_order_id=bid.client_order_id).status == "FILLED"
    await worker.close()


async def test_a_successor_asks_for_many_left_orders_few_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    row = Order.objects.filter(market__slug=DEX).first()
    assert row is not None
    for counter in range(100, 135):
        row.client_order_id, row.status, row.venue_order_id = f"m1b0e1c{counter}", "INTENT", ""
        row.save(force_insert=True)
    answered, refused, asked = 0, False, world.dex.fetch_order

    async def throttled(market: str, client_order_id: str) -> OwnOrder | None:
        nonlocal answered, refused
        answered += 1
        if answered > 25 and not refused:
            refused = True
            raise RateLimited("enough", retry_after_s=1.0)
        return await asked(market, client_order_id)

    monkeypatch.setattr(world.dex, "fetch_order", throttled)
    world.redis.hset(keys.lease(DEX), mapping={"phase": "held", "owner": "dead", "expires_ns": world.clock.now_ns()})
    for _ in range(12):
        await world.tick(worker)
        if refused:
            break
    left = Order.objects.filter(market__slug=DEX, client_order_id__startswith="m1b0e1c", status="INTENT").count()
    assert left == 16, "twenty are settled, the resting bid among them"
    for _ in range(12):
        await world.tick(worker)
    assert Order.objects.filter(market__slug=DEX, client_order_id__startswith="m1b0e1c", status="INTENT").count() == 0
    assert world.status().outcome == "quoting"
    await worker.close()
