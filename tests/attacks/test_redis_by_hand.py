"""Somebody with Redis' password writes what loosens: nothing of it is believed, within five seconds or ever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.quoting.world import CEX, DEX, World, demo_world
from trading.clock import to_datetime
from trading.controls.commands import Actor
from trading.controls.services import kill
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.controls import HotControl
from trading.models import ParameterSet
from trading.quoting.connections import Connections

OPERATOR = Actor("7", "olga", frozenset({"operator"}))


@pytest.fixture
def world(committed_db: None, redis_url: str) -> Iterator[World]:
    from trading.hot_state.connection import sync_client

    sync_client.cache_clear()
    with demo_world(redis_url) as made:
        yield made


def say(world: World, scope: str, state: str, ahead_s: float = 0.0) -> None:
    at_ns = world.clock.now_ns() + round(ahead_s * 1e9)
    world.redis.hset(keys.controls(), scope, encode(HotControl(scope, state, at_ns)))


async def five_seconds(world: World, worker: Connections) -> list[str]:
    return [(await world.tick(worker))[DEX] for _ in range(5)]


async def test_a_state_in_redis_only_tightens(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    assert world.status(DEX).outcome == "quoting"
    # Stricter than PostgreSQL says: it holds.
    say(world, DEX, "paused")
    await world.tick(worker)
    assert (world.status(DEX).outcome, world.live(DEX), world.status(CEX).outcome) == ("not_quoting", [], "quoting")
    # Looser than PostgreSQL says, dated ahead, for market and desk: it does not.
    now = to_datetime(world.clock.now_ns())
    await worker.database.run(lambda: kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="halt", now=now))
    for spoilt in ("active", "reducing"):
        for scope in (DEX, "desk"):
            say(world, scope, spoilt, ahead_s=3600)
        assert set(await five_seconds(world, worker)) == {"not_quoting"}
        assert world.live(DEX) == []
    # Nor does its absence, or what cannot be read.
    world.redis.delete(keys.controls())
    assert set(await five_seconds(world, worker)) == {"not_quoting"}
    world.redis.hset(keys.controls(), DEX, b"\xff{")
    assert set(await five_seconds(world, worker)) == {"not_quoting"}
    await worker.close()


async def test_versions_told_in_redis_are_not_believed(world: World) -> None:
    """A newer version, an older one replayed, another hash, garbage, a lost stream: workers read PostgreSQL."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    row = await worker.database.run(ParameterSet.objects.get, market__slug=DEX)
    before = {order.side: order.price for order in world.live(DEX)}
    for told in (
        {"market": DEX, "version": 99, "hash": "0" * 64, "spread_floor_bps": "0"},
        {"market": DEX, "version": 0, "hash": row.values_hash},
        {"market": DEX, "version": row.version, "hash": "0" * 64},
        {"x": b"\xff"},
    ):
        world.redis.xadd(keys.PARAMETER_STREAM, told)
        await worker.governed.reread_rules()
        assert await five_seconds(world, worker) == ["quoting"] * 5
        held = worker.governed.governed(DEX)
        assert (held.parameter_version, held.problem) == (row.version, "")
    world.redis.delete(keys.PARAMETER_STREAM)
    world.redis.set(keys.PARAMETER_STREAM, b"no stream")
    await world.tick(worker)
    assert {order.side: order.price for order in world.live(DEX)} == before
    await worker.close()


async def test_a_row_with_another_hash_halts_within_five_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What PostgreSQL itself would have to lie about: values that their hash does not fit are quoted by nobody."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    monkeypatch.setattr("trading.quoting.governed.values_hash", lambda values: "0" * 64)
    outcomes = await five_seconds(world, worker)
    assert (outcomes[-1], world.status(DEX).reason, world.live(DEX)) == ("not_quoting", "parameters_mismatch", [])
    await worker.close()


@pytest.mark.parametrize("written", [b"dct|0|0|0|0", b"dct|-9999999|9999999|1|0", b"dct|nan|0|1|0", b"x", None])
async def test_a_lowered_reservation_does_not_last(world: World, written: bytes | None) -> None:
    """Every cycle writes what its market really has, whatever stood there."""
    world.ready()
    worker = world.worker()
    for _ in range(2):
        await world.tick(worker)
    before = world.redis.hget(keys.reservations(), DEX)
    world.redis.hdel(keys.reservations(), DEX)
    written is None or world.redis.hset(keys.reservations(), DEX, written)
    await world.tick(worker)
    assert world.redis.hget(keys.reservations(), DEX) == before
    await worker.close()


async def test_a_forged_lease_sends_nothing_under_an_old_epoch(world: World) -> None:
    """A lease that says another epoch is in force: PostgreSQL knows the newest, and the gate asks it."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    epoch = int(world.lease()["epoch"])
    world.redis.hset(keys.lease(DEX), mapping={"epoch": str(epoch - 1), "turn": "1", "phase": "free", "slot_ns": "0"})
    for _ in range(8):
        await world.tick(worker)
        assert all(order.epoch != epoch - 1 for order in world.live(DEX))
    await worker.close()
