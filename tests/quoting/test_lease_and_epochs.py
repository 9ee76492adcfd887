"""Who may quote a market when: leases, epochs, takeovers, second beats, late ticks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.claims import claim_slot
from trading.hot_state.lease import TAKEOVER_TIMEOUT_S, TAKEOVER_TTL_S
from trading.models import LeaseEpoch, Order
from trading.orders.guard import LeaseGuard
from trading.orders.records import next_epoch
from trading.quoting.connections import Connections
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick
from trading.venues.interface import NotSent, OutcomeUnknown, StepKind


async def test_two_workers_at_once_place_one_bid_and_one_ask(world: World) -> None:
    world.ready()
    one, two = world.worker("one"), world.worker("two")
    await world.tick(one)
    world.clock.advance(1)
    world.publish(mid=world.publish().reference + world.publish().reference / 100)
    slot = world.clock.now_ns() // 1_000_000_000
    # Two ticks of different shardings reach the same market at the same moment.
    await asyncio.gather(run_tick(one, Tick(0, 1, slot, 1.0)), run_tick(two, Tick(0, 1, slot, 1.0)))
    await world.tick(two)
    assert sorted(order.side.value for order in world.dex.resting()) == ["buy", "sell"]
    assert len(world.dex.submitted) == 2
    await asyncio.gather(one.close(), two.close())


async def test_any_worker_goes_on_under_the_same_epoch_after_a_clean_end(world: World) -> None:
    world.ready()
    one, two = world.worker("one"), world.worker("two")
    await world.tick(one)
    epoch = world.lease()["epoch"]
    assert (await world.tick(two))[DEX] == "quoting"
    assert world.lease()["epoch"] == epoch
    assert LeaseEpoch.objects.filter(market=DEX).count() == 1
    await asyncio.gather(one.close(), two.close())


async def test_a_second_beat_adds_nothing(world: World) -> None:
    world.ready()
    one, two = world.worker("one"), world.worker("two")
    world.clock.advance(1)
    tick = Tick(0, 1, world.clock.now_ns() // 1_000_000_000, 1.0)
    assert (await run_tick(one, tick))[DEX] == "quoting"
    assert await run_tick(two, tick) == {}
    await asyncio.gather(one.close(), two.close())


async def test_a_late_tick_expires(world: World) -> None:
    world.ready()
    worker = world.worker()
    slot = world.clock.now_ns() // 1_000_000_000
    world.clock.advance(5)
    assert await run_tick(worker, Tick(0, 1, slot, 1.0)) == {}
    assert world.dex.submitted == []
    await worker.close()


async def test_after_a_crash_the_successor_waits_sweeps_and_quotes_within_ten_seconds(world: World) -> None:
    world.ready()
    dead = world.worker("dead")
    await world.tick(dead)
    old_epoch = int(world.lease()["epoch"])
    old_ids = {order.client_order_id for order in world.dex.resting()}
    # The holder dies in the middle of a cycle: lease held, nothing released.
    now_ns = world.clock.now_ns()
    world.redis.hset(keys.lease(DEX), mapping={"phase": "held", "owner": "dead", "expires_ns": str(now_ns + 3 * 10**9)})
    heir = world.worker("heir")
    seconds = 0
    while (await world.tick(heir))[DEX] != "quoting":
        seconds += 1
        resting = {order.client_order_id for order in world.dex.resting()}
        assert resting <= old_ids, "nothing new before the old lease, deadline and margin are over"
        assert seconds < 10
    assert seconds >= 5, "old lease 3 s + 2.5 s for its last request"
    assert int(world.lease()["epoch"]) > old_epoch
    resting = world.dex.resting()
    assert len(resting) == 2 and not {order.client_order_id for order in resting} & old_ids
    statuses = {row.client_order_id: row.status for row in Order.objects.filter(client_order_id__in=old_ids)}
    assert set(statuses.values()) == {"CANCELLED"}
    await asyncio.gather(dead.close(), heir.close())


async def test_a_stalled_holder_is_refused_by_its_own_guard(world: World) -> None:
    guard = LeaseGuard(world.clock, 7, world.clock.monotonic_s() + 2.8)
    guard.gate_passed(world.clock.monotonic_s())
    guard()
    world.clock.advance(1.5)
    with pytest.raises(NotSent, match="checked too long ago"):
        guard()
    world.clock.advance(1.5)
    with pytest.raises(NotSent, match="lease of epoch 7 ended"):
        guard()


async def test_a_stall_between_gate_and_wire_sends_nothing(world: World) -> None:
    world.ready()
    worker = world.worker()
    original = world.dex.replace_quote

    async def stalled(steps, guard=None):
        world.clock.advance(4)  # the process was stopped for four seconds after it had signed
        return await original(steps, guard)

    world.dex.replace_quote = stalled
    await world.tick(worker)
    assert world.dex.submitted == []
    assert set(Order.objects.values_list("status", flat=True).filter(market__slug=DEX)) == {"NOT_SENT"}
    assert world.live() == []
    await worker.close()


async def test_the_gate_refuses_an_epoch_that_was_succeeded(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    epoch = int(world.lease()["epoch"])
    from trading.clock import to_datetime

    LeaseEpoch.objects.create(
        epoch=epoch + 1000, market=DEX, owner="other", granted_at=to_datetime(world.clock.now_ns())
    )
    world.publish(mid=world.publish().reference * 2)
    requests = len(world.dex.requests)
    world.clock.advance(1)
    await world.tick(worker, fresh=False)
    assert [kind for kind, _ in world.dex.requests[requests:] if kind != "cancel"] == []
    assert world.status().sentence_key == "lease_lost"
    await worker.close()


async def test_redis_emptied_waits_a_lease_then_rebuilds_and_quotes(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    old = {order.client_order_id for order in world.dex.resting()}
    world.redis.flushdb()
    world.ready()
    outcomes = [(await world.tick(worker))[DEX] for _ in range(7)]
    assert outcomes[0] == "not_quoting" and outcomes[-1] == "quoting"
    assert world.status().reason == ""
    resting = {order.client_order_id for order in world.dex.resting()}
    assert len(resting) == 2 and not resting & old
    assert set(Order.objects.filter(client_order_id__in=old).values_list("status", flat=True)) == {"CANCELLED"}
    await worker.close()


async def test_an_unreachable_venue_stops_only_its_own_market(world: World) -> None:
    world.ready()
    world.cex.is_down = True
    worker = world.worker()
    outcomes = await world.tick(worker)
    assert outcomes == {DEX: "quoting", CEX: "error"}
    assert world.status(CEX).reason == "venue_unavailable"
    world.cex.is_down = False
    for _ in range(4):
        outcomes = await world.tick(worker)
    assert outcomes[CEX] == "quoting"
    await worker.close()


async def test_an_exception_in_one_market_does_not_stop_the_other(world: World) -> None:
    world.ready()
    worker = world.worker()

    async def broken(steps, guard=None):
        raise ZeroDivisionError

    world.cex.replace_quote = broken
    assert await world.tick(worker) == {DEX: "quoting", CEX: "error"}
    assert len(world.dex.resting()) == 2
    await worker.close()


async def test_a_busy_market_is_skipped_and_a_slow_one_times_out_alone(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    hang = asyncio.Event()

    async def hanging(steps, guard=None):
        await hang.wait()

    world.cex.replace_quote = hanging
    world.publish(CEX, mid=world.publish(CEX).reference * 2)
    world.clock.advance(1)
    slot = world.clock.now_ns() // 1_000_000_000
    running = asyncio.create_task(run_tick(worker, Tick(0, 1, slot, 1.0)))
    while CEX not in worker.busy or DEX in worker.busy:
        await asyncio.sleep(0.01)
    world.clock.advance(1)
    second = await run_tick(worker, Tick(0, 1, slot + 1, 1.0))
    assert second[CEX] == "busy"
    assert (await running)[CEX] == "error"
    assert world.status(CEX).reason == "cycle_timeout"
    # What was under way may have been executed: it is looked up before its slot is used again.
    assert {order.status for order in world.live(CEX)} <= {"LIVE", "UNKNOWN", "INTENT"}
    await worker.close()


async def test_unknown_submit_blocks_its_slot_and_is_found(world: World) -> None:
    world.ready()
    worker = world.worker()

    def lost_answer(step):
        if step.submit.side.value == "buy":
            raise OutcomeUnknown("answer lost")

    world.dex.after[StepKind.SUBMIT] = lost_answer
    await world.tick(worker)
    unknown = [order for order in world.live() if order.status == "UNKNOWN"]
    assert [order.side for order in unknown] == ["buy"]
    del world.dex.after[StepKind.SUBMIT]
    await world.tick(worker)
    assert len(world.dex.submitted) == 2, "never sent again"
    assert {order.status for order in world.live()} == {"LIVE"}
    assert Order.objects.get(client_order_id=unknown[0].client_order_id).status == "LIVE"
    await worker.close()


async def test_unknown_submit_that_never_arrived_settles_only_after_deadline_and_margin(world: World) -> None:
    world.ready()
    worker = world.worker()

    def never_arrives(step):
        if step.submit.side.value == "buy":
            raise OutcomeUnknown("connection reset")

    world.dex.before[StepKind.SUBMIT] = never_arrives
    await world.tick(worker)
    lost = next(order for order in world.live() if order.side == "buy")
    del world.dex.before[StepKind.SUBMIT]
    await world.tick(worker)
    await world.tick(worker)
    assert [order.client_order_id for order in world.live() if order.side == "buy"] == [lost.client_order_id]
    assert [request.side.value for request in world.dex.submitted] == ["sell"]
    await world.tick(worker)
    assert Order.objects.get(client_order_id=lost.client_order_id).status == "CANCELLED"
    bids = [request for request in world.dex.submitted if request.side.value == "buy"]
    assert len(bids) == 1 and bids[0].client_order_id != lost.client_order_id
    await worker.close()


async def test_unknown_amend_counts_the_larger_size_until_it_is_settled(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)

    def lost(step):
        raise OutcomeUnknown("time-out")

    world.dex.before[StepKind.AMEND] = lost
    world.clock.advance(1)
    world.publish(mid=world.publish().reference * 2)
    await world.tick(worker, fresh=False)
    assert {order.status for order in world.live()} == {"UNKNOWN"}
    assert all(order.amend_price is not None for order in world.live())
    del world.dex.before[StepKind.AMEND]
    for _ in range(4):
        await world.tick(worker)
    assert {(order.status, order.amend_price) for order in world.live()} == {("LIVE", None)}
    assert len(world.dex.submitted) == 2
    await worker.close()


async def test_without_deadlines_not_found_needs_three_looks_over_ten_seconds(world: World) -> None:
    world.dex.capabilities = replace(world.dex.capabilities, deadline=False)
    world.ready()
    worker = world.worker()

    def never_arrives(step):
        raise OutcomeUnknown("connection reset")

    world.dex.before[StepKind.SUBMIT] = never_arrives
    await world.tick(worker)
    lost = {order.client_order_id for order in world.live()}
    del world.dex.before[StepKind.SUBMIT]
    for _ in range(10):
        await world.tick(worker)
    assert {order.client_order_id for order in world.live()} == lost
    await world.tick(worker)
    assert not {order.client_order_id for order in world.live()} & lost
    await worker.close()


async def _one(world: World, worker: Connections, step_s: float = 1.0) -> dict[str, str]:
    world.clock.advance(step_s)
    world.publish(mid=world.publish().reference * (1 + Decimal(world.clock.now_ns() // 10**9 % 5) / 1000))
    return await world.tick(worker, fresh=False, step_s=0)


async def test_an_epoch_drawn_late_by_a_slow_process_does_not_stop_the_market(world: World) -> None:
    """PostgreSQL's newest epoch is one that no lease was ever installed under."""
    world.ready(DEX)
    worker = world.worker()
    await world.tick(worker)
    newer = next_epoch(DEX, "late", to_datetime(world.clock.now_ns()))
    seconds = 0
    while (await _one(world, worker))[DEX] != "quoting" or int(world.lease()["epoch"]) <= newer:
        seconds += 1
        assert seconds < 10
    assert len(world.dex.resting()) == 2
    await worker.close()


async def test_a_process_slow_at_the_venue_neither_draws_an_epoch_nor_sweeps_its_successor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready(DEX)
    slow, quick = world.worker("slow"), world.worker("quick")
    go_on, original = asyncio.Event(), world.dex.fetch_open_orders

    async def stuck_once(market=None):
        world.dex.fetch_open_orders = original
        await go_on.wait()
        return await original(market)

    world.dex.fetch_open_orders = stuck_once
    late = asyncio.create_task(_one(world, slow))
    while world.dex.fetch_open_orders is not original:
        await asyncio.sleep(0.01)
    assert (await _one(world, quick, 6))[DEX] == "quoting"
    resting = {order.client_order_id for order in world.dex.resting()}
    go_on.set()
    assert (await late)[DEX] == "skipped"
    assert {order.client_order_id for order in world.dex.resting()} == resting
    assert list(LeaseEpoch.objects.filter(market=DEX).values_list("owner", flat=True)) == ["quick"]
    await asyncio.gather(slow.close(), quick.close())


def test_a_takeover_gives_up_before_another_may_begin() -> None:
    assert TAKEOVER_TIMEOUT_S < TAKEOVER_TTL_S - 0.5


@pytest.mark.parametrize("back_s", [3600, 30])
async def test_a_clock_put_back_does_not_stop_the_market(world: World, back_s: int) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.clock.skew(-back_s)
    for key in world.redis.scan_iter("dcmm:claim:*"):
        world.redis.delete(key)  # they run out on Redis' clock, which tests do not move
    assert (await world.tick(worker))[DEX] == "quoting"
    assert (await world.tick(worker))[DEX] == "quoting"
    await worker.close()


async def test_a_holder_that_died_before_the_clock_was_put_back_is_succeeded(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    ahead_ns = world.clock.now_ns() + 3600 * 10**9
    world.redis.hset(keys.lease(DEX), mapping={"phase": "held", "owner": "dead", "expires_ns": str(ahead_ns)})
    seconds = 0
    while (await world.tick(worker))[DEX] != "quoting":
        seconds += 1
        assert seconds < 10
    assert seconds >= 5, "it may still be alive: a whole lease and its last request are waited for"
    await worker.close()


async def test_a_tick_claim_is_kept_no_longer_than_the_tick_may_be_late(world: World) -> None:
    assert await claim_slot(world.worker().redis, 0, 7, "one", 3.0)
    assert 3000 < world.redis.pttl(keys.claim(0, 7)) <= 5000
