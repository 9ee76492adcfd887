"""What stops or narrows quoting: trading states, limits, a stale feed, a database that is away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import OperationalError

from tests.controls.green import compared
from tests.quoting.world import CEX, DEX, World
from tests.support.by_hand import past_the_guards
from trading.clock import to_datetime
from trading.controls.services import Actor, pause, reduce, resume
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.models import Event, ExposureLimit, Lock, Order, ParameterSet
from trading.orders import execute as execute_module

OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))


def _pause(world: World, key: str = "k1", scope: str = DEX) -> None:
    pause(scope, actor=OPERATOR, reason="test", idempotency_key=key, now=to_datetime(world.clock.now_ns()))


async def test_pause_takes_quotes_off_and_resume_brings_them_back(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    _pause(world)
    assert (await world.tick(worker))[DEX] == "not_quoting"
    assert world.dex.resting() == []
    assert len(world.cex.resting()) == 2
    assert world.status().reason in ("control_paused", "state_paused")
    compared(DEX, to_datetime(world.clock.now_ns()))
    resume(DEX, actor=OPERATOR, reason="fine again", idempotency_key="k2", now=to_datetime(world.clock.now_ns()))
    for _ in range(100):
        await world.tick(worker)
        if world.dex.resting():
            break
        await asyncio.sleep(0.01)
    assert len(world.dex.resting()) == 2
    await worker.close()


async def test_a_pause_between_computing_and_sending_stops_the_send(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    original = execute_module._reserve

    async def paused_meanwhile(desk, batch, placing):
        return await original(desk, batch, placing)

    def gate_after_pause(request):
        if request.slug == DEX:
            _pause(world)
            world.redis.delete(keys.controls())
        return original_gate(request)

    original_gate = execute_module.pass_gate
    monkeypatch.setattr(execute_module, "_reserve", paused_meanwhile)
    monkeypatch.setattr(execute_module, "pass_gate", gate_after_pause)
    await world.tick(worker)
    assert world.dex.submitted == []
    assert Order.objects.filter(market__slug=DEX).count() == 0
    assert world.live() == []
    assert world.status().sentence_key == "state_forbids"
    await worker.close()


async def test_a_pause_of_the_desk_stops_every_market(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    _pause(world, scope="desk")
    outcomes = await world.tick(worker)
    assert outcomes == {DEX: "not_quoting", CEX: "not_quoting"}
    assert world.dex.resting() == [] and world.cex.resting() == []
    await worker.close()


async def test_reducing_keeps_only_the_side_that_lowers_exposure(world: World) -> None:
    world.ready()
    world.position(DEX, 3)
    worker = world.worker()
    reduce(DEX, actor=OPERATOR, reason="test", idempotency_key="k", now=to_datetime(world.clock.now_ns()))
    await world.tick(worker)
    assert [order.side.value for order in world.dex.resting()] == ["sell"]
    assert world.status().outcome == "one_sided"
    await worker.close()


async def test_soft_limit_stops_adding_and_tells_once(world: World) -> None:
    world.ready()
    soft = ParameterSet.objects.get(market__slug=DEX).soft_limit_lots
    worker = world.worker()
    await world.tick(worker)
    world.position(DEX, soft)
    for _ in range(3):
        await world.tick(worker)
    assert [order.side.value for order in world.dex.resting()] == ["sell"]
    assert world.status().reason == "soft_limit_reached"
    assert Event.objects.filter(type="limit.soft", aggregate=f"market:{DEX}").count() == 1
    await worker.close()


async def test_hard_limit_cancels_locks_and_stays_locked(world: World) -> None:
    world.ready()
    hard = ParameterSet.objects.get(market__slug=DEX).q_hard_lots
    worker = world.worker()
    await world.tick(worker)
    world.position(DEX, -hard)
    await world.tick(worker)
    assert world.dex.resting() == []
    lock = Lock.objects.get(scope=DEX)
    assert (lock.state, lock.rule, lock.lifted_at) == ("PAUSED", "hard_limit", None)
    assert Event.objects.filter(type="limit.hard").count() == 1
    world.position(DEX, 0)
    # The stored states are read beside the cycles; until then the tightening in Redis holds.
    for _ in range(100):
        await world.tick(worker)
        assert world.dex.resting() == []
        if world.status().reason == "lock_hard_limit":
            break
        await asyncio.sleep(0.01)
    assert world.status().reason == "lock_hard_limit"
    assert Lock.objects.count() == 1
    await worker.close()


async def test_no_order_may_take_the_worst_case_over_the_hard_limit(world: World) -> None:
    world.ready()
    hard = ParameterSet.objects.get(market__slug=DEX).q_hard_lots
    worker = world.worker()
    await world.tick(worker)
    bid = next(order for order in world.live() if order.side == "buy")
    # A bid was just filled for all but half a lot of the limit, and the ledger has not told of it yet.
    filled = (hard - Decimal("0.5")) * 1000
    gone = replace(bid, client_order_id="m1b0e1c1", size=filled, filled=filled, status="FILLED")
    world.redis.hset(
        keys.open_orders(DEX), gone.client_order_id,
        encode(replace(gone, gone_ns=world.clock.now_ns() + 10**9, updated_ns=world.clock.now_ns() + 10**9)),
    )  # fmt: skip
    await world.tick(worker)
    resting = next(order for order in world.dex.resting() if order.side.value == "buy")
    assert resting.size == Decimal(500), "half a lot of 1000 is left"
    await worker.close()


async def test_a_stale_feed_takes_quotes_off_with_a_reason(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    for _ in range(4):
        await world.tick(worker, fresh=False)
    assert world.dex.resting() == []
    status = world.status()
    assert (status.outcome, status.reason) == ("not_quoting", "feed_stale")
    assert status.sentence_args == {"feed_age_s": "4.0", "feed_stale_s": "3"}
    await worker.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reference": None, "reference_source": "none"}, "no_reference"),
        ({"book_ok": False, "problem": "stale_book"}, "stale_book"),
        ({"connected": False, "problem": "disconnected"}, "disconnected"),
    ],
)
async def test_an_unsound_market_is_not_quoted(world: World, changes: dict, reason: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    world.clock.advance(1)
    world.publish(**changes)
    await world.tick(worker, fresh=False, step_s=0.9)
    assert world.status().reason == reason
    assert world.dex.resting() == []
    await worker.close()


async def test_without_a_position_from_the_ledger_nothing_is_quoted(world: World) -> None:
    world.ready()
    world.redis.delete(keys.position(DEX))
    worker = world.worker()
    await world.tick(worker)
    assert world.dex.submitted == [] and world.status().reason == "no_position"
    world.redis.set(keys.position(DEX), b'{"slug": 5}')
    await world.tick(worker)
    assert world.dex.submitted == [] and world.status().reason == "hot_state_corrupt"
    await worker.close()


async def test_a_database_that_is_away_sends_nothing_and_takes_quotes_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before = len(world.dex.submitted)

    async def away(function, *args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(worker.database, "run", away)
    world.publish(mid=world.publish().reference * 2)
    world.clock.advance(1)
    await world.tick(worker, fresh=False, step_s=0.5)
    assert len(world.dex.submitted) == before and not any(kind == "amend" for kind, _ in world.dex.requests)
    assert world.status().sentence_key == "gate_unreachable"
    for _ in range(8):
        await world.tick(worker)
    assert world.dex.resting() == []
    assert world.status().reason == "controls_unknown"
    await worker.close()


async def test_parameters_changed_by_hand_stop_the_market(world: World) -> None:
    world.ready()
    past_the_guards(
        "UPDATE parameter_sets SET gamma = 7 WHERE market_id = (SELECT id FROM markets WHERE slug = 'dct-usdt-dex')"
    )
    worker = world.worker()
    await world.tick(worker)
    assert world.dex.submitted == [] and world.status().reason == "parameters_mismatch"
    assert len(world.cex.resting()) == 2
    await worker.close()


async def test_the_desk_limit_withholds_orders(world: World) -> None:
    world.ready()
    ExposureLimit.objects.filter(scope="desk").update(soft_limit=Decimal(1), hard_limit=Decimal(100))
    worker = world.worker()
    await world.tick(worker)
    # 1000 DCT at 0.27 are 270 USDT: above 100 on either side.
    assert world.dex.submitted == [] and world.status().sentence_key == "exposure_desk"
    assert Order.objects.filter(market__slug=DEX).exclude(status="NOT_SENT").count() == 0
    await worker.close()


async def test_a_fill_between_the_stream_and_the_ledger_is_counted(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    bid = next(order for order in world.live() if order.side == "buy")
    filled = replace(bid, filled=Decimal(400), updated_ns=world.clock.now_ns() + 500_000_000, status="LIVE")
    world.redis.hset(keys.open_orders(DEX), bid.client_order_id, encode(filled))
    await world.tick(worker)
    long = world.redis.hget(keys.reservations(), DEX).decode().split("|")[1]
    assert Decimal(long) == Decimal(1000), "600 still open and 400 filled but not yet in the position"
    await worker.close()


async def test_an_amend_of_a_filled_order_is_looked_up_and_the_slot_used_again(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    bid = next(order for order in world.dex.resting() if order.side.value == "buy")
    world.dex.fill(bid.client_order_id, bid.size)
    world.clock.advance(1)
    world.publish(mid=world.publish().reference * 2)
    await world.tick(worker, fresh=False)
    await world.tick(worker)
    await world.tick(worker)
    assert Order.objects.get(client_order_id=bid.client_order_id).status == "FILLED"
    assert sorted(order.side.value for order in world.dex.resting()) == ["buy", "sell"]
    await worker.close()


async def test_nothing_is_quoted_before_the_account_was_compared_with_its_venue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start, and after Redis lost its memory; a mark that an earlier start left does not count."""
    monkeypatch.setenv("DCMM_GROUP", "this")
    world.ready()
    worker = world.worker()
    world.redis.delete(keys.reconciled("dex-desk"))
    world.redis.set(keys.reconciled("cex-desk"), b"earlier")
    outcomes = await world.tick(worker)
    assert set(outcomes.values()) == {"not_quoting"}
    assert (world.status().sentence_key, world.live()) == ("not_reconciled", [])
    world.redis.set(keys.reconciled("dex-desk"), b"this")
    outcomes = await world.tick(worker)
    assert (outcomes[DEX], len(world.live())) == ("quoting", 2)
    world.redis.delete(keys.reconciled("dex-desk"))
    await world.tick(worker)
    assert (world.status().sentence_key, world.live()) == ("not_reconciled", [])
    await worker.close()
