"""A cycle that does not come to its end: its requests are on record all the same, and its outcome is what rests."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from tests.quoting.world import CEX, DEX, World
from trading.hot_state import decisions as stream
from trading.hot_state import keys
from trading.models import Decision, ExposureLimit, Order
from trading.quoting.decision_writer import DecisionWriter
from trading.venues.interface import RejectReason, StepKind, VenueRejected


def _write(world: World) -> None:
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)


async def test_orders_of_a_cycle_that_failed_after_sending_name_a_decision(world: World) -> None:
    world.ready()
    worker = world.worker()
    original = world.dex.replace_quote

    async def breaks_afterwards(steps, guard=None):
        await original(steps, guard)
        raise ZeroDivisionError

    world.dex.replace_quote = breaks_afterwards
    assert (await world.tick(worker))[DEX] == "error"
    await worker.close()
    _write(world)
    assert len(world.dex.resting()) == 2
    named = set(Order.objects.filter(market__slug=DEX).values_list("correlation_id", flat=True))
    row = Decision.objects.get(market=DEX)
    assert named == {row.cycle_id}
    assert (row.outcome, row.reason) == ("error", "cycle_unfinished")
    ids = {order.client_order_id for order in world.dex.resting()}
    assert {(order["client_order_id"], order["outcome"]) for order in row.orders} == {(one, "unknown") for one in ids}
    assert row.inputs["quote"] is not None and row.result["bid"] is not None


async def test_a_process_killed_after_sending_leaves_a_decision_that_its_successor_records(world: World) -> None:
    world.ready()
    dead = world.worker("dead")
    await world.tick(dead)
    announced = stream.parse_decision(world.redis.xrange(keys.DECISION_STREAM)[0][1][b"d"])
    world.redis.xtrim(keys.DECISION_STREAM, maxlen=0)
    # What a kill leaves: the lease held, the decision announced and not pushed.
    stream.queue_announce(world.redis, announced)
    expiry = str(world.clock.now_ns() + 3 * 10**9)
    world.redis.hset(keys.lease(announced.slug), mapping={"phase": "held", "owner": "dead", "expires_ns": expiry})
    heir = world.worker("heir")
    for _ in range(8):
        await world.tick(heir)
    await dead.close()
    await heir.close()
    found = [stream.parse_decision(fields[b"d"]) for _, fields in world.redis.xrange(keys.DECISION_STREAM)]
    assert [one.cycle_id for one in found].count(announced.cycle_id) == 1
    assert world.redis.get(keys.announced_decision(announced.slug)) is None


async def test_a_cycle_that_ends_is_recorded_once(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    await worker.close()
    found = [stream.parse_decision(fields[b"d"]) for _, fields in world.redis.xrange(keys.DECISION_STREAM)]
    assert sorted(one.slug for one in found) == sorted({one.slug for one in found})
    assert {one.outcome for one in found} == {"quoting"}
    assert world.redis.get(keys.announced_decision(DEX)) is None


async def test_the_outcome_is_what_rests_not_what_was_wanted(world: World) -> None:
    world.ready()
    worker = world.worker()

    def refused(step):
        if step.submit.side.value == "buy":
            raise VenueRejected(RejectReason.OTHER, "no")

    world.dex.before[StepKind.SUBMIT] = refused
    assert (await world.tick(worker))[DEX] == "one_sided"
    assert (world.status().outcome, world.status().sentence_key) == ("one_sided", "not_resting")
    await worker.close()


async def test_a_limit_of_one_side_leaves_the_side_that_reduces(world: World) -> None:
    """1 lot of 1000 long of at most 1500: the bid would pass it, the ask takes it down."""
    world.ready()
    world.position(DEX, 1)
    ExposureLimit.objects.filter(scope="asset", key="dct").update(hard_limit=1500, soft_limit=1400)
    worker = world.worker()
    assert (await world.tick(worker))[DEX] == "one_sided"
    assert [order.side.value for order in world.dex.resting()] == ["sell"]
    assert world.status().reason == "exposure_asset"
    statuses = {row.side: row.status for row in Order.objects.filter(market__slug=DEX)}
    assert statuses == {"buy": "NOT_SENT", "sell": "LIVE"}
    await worker.close()


async def test_a_fill_during_the_cycle_stays_reserved(world: World) -> None:
    """The bid fills after the snapshot and before the cycle's requests: its quantity is in no position yet."""
    from trading.hot_state.orders import apply_venue_order

    world.ready()
    worker = world.worker()
    await world.tick(worker)
    bid = next(order for order in world.dex.resting() if order.side.value == "buy")
    original = world.dex.replace_quote

    async def filled_before(steps, guard=None):
        world.dex.fill(bid.client_order_id, bid.size)
        await apply_venue_order(worker.redis, DEX, world.dex.orders[bid.client_order_id], world.clock.now_ns())
        return await original(steps, guard)

    world.dex.replace_quote = filled_before
    world.clock.advance(1)
    world.publish(mid=Decimal("0.2702"))
    await world.tick(worker, fresh=False, step_s=0)
    reserved = Decimal(world.redis.hget(keys.reservations(), DEX).decode().split("|")[1])
    assert reserved >= bid.size
    await worker.close()


async def test_an_unreadable_reservation_stops_no_market(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.redis.hset(keys.reservations(), mapping={"old-market": b"garbage", DEX: b"garbage"})
    for _ in range(3):
        outcomes = await world.tick(worker)
    assert set(outcomes.values()) == {"quoting"}
    assert world.redis.hget(keys.reservations(), DEX).startswith(b"dct|")
    await worker.close()


async def test_a_venue_that_opens_slowly_is_opened_beside_the_cycles(world: World) -> None:
    world.ready()
    worker = world.worker()
    go_on = asyncio.Event()
    original = world.dex.open

    async def slow() -> None:
        await go_on.wait()
        await original()

    world.dex.open = slow
    assert await world.tick(worker) == {DEX: "error", CEX: "quoting"}
    assert world.status().reason == "venue_unavailable"
    go_on.set()
    outcomes = [(await world.tick(worker))[DEX] for _ in range(8)]
    assert outcomes[-1] == "quoting" and world.dex.opened == 1
    await worker.close()


async def test_a_worker_opens_its_venues_before_the_first_cycle(world: World) -> None:
    """One that can't be opened holds up neither the others nor the worker."""
    world.ready()
    worker = world.worker()

    async def away() -> None:
        raise OSError("away")

    world.cex.open = away
    await worker.open_venues()
    assert world.dex.opened == 1
    assert await world.tick(worker) == {DEX: "quoting", CEX: "error"}
    assert world.dex.opened == 1
    await worker.close()


async def test_balances_that_nobody_reads_any_more_are_unknown(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    old = world.redis.get(keys.balances("dex-desk"))
    for _ in range(16):
        world.clock.advance(1)
        world.publish()
        world.publish(CEX)
        world.redis.set(keys.balances("dex-desk"), old)
        await world.tick(worker, fresh=False, step_s=0)
    assert world.status().reason == "balance_unknown"
    assert world.dex.resting() == [] and len(world.cex.resting()) == 2
    await worker.close()


@pytest.mark.parametrize(("regime", "factor"), [("", 1.0), ("normal", 1.0), ("stressed", 2.0), ("never seen", 2.0)])
async def test_the_spread_widens_with_the_regime_and_one_not_measured_is_normal(
    world: World, regime: str, factor: float
) -> None:
    world.ready()
    worker = world.worker()
    world.clock.advance(1)
    world.publish(regime=regime)
    await world.tick(worker, fresh=False, step_s=0)
    pushed = [stream.parse_decision(fields[b"d"]) for _, fields in world.redis.xrange(keys.DECISION_STREAM)]
    inputs = next(json.loads(bytes(one.inputs)) for one in pushed if one.slug == DEX)
    stressed = inputs["quote"]["parameters"]["widen_stressed_factor"]
    assert inputs["quote"]["widen_factor"] == (1.0 if factor == 1.0 else stressed) and stressed > 1.0
    await worker.close()
