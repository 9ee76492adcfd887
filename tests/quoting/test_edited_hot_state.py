"""Edited Redis under the cycles: never an exception, never a quote on what can't be read, quotes again once it is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.ledger.desk import read_desk
from trading.ledger.mending import mend_hot_state
from trading.models import Lock

ACCOUNT = "dex-desk"
# Key of the market's snapshot → the coded reason while it is of a wrong type (None: nobody needs it to quote).
WRONG_TYPES = {
    keys.market_view(DEX): "hot_state_corrupt",
    keys.position(DEX): "hot_state_corrupt",
    keys.inbox_pending(DEX): "hot_state_corrupt",
    keys.balances(ACCOUNT): "hot_state_corrupt",
    keys.market_info(ACCOUNT): "hot_state_corrupt",
    keys.controls(): "hot_state_corrupt",
    keys.INBOX_STREAM: "hot_state_corrupt",
}


def spoil(world: World, key: str) -> None:
    world.redis.delete(key)
    world.redis.zadd(key, {"somebody's": 1})


@pytest.mark.parametrize("key", sorted(WRONG_TYPES))
async def test_a_key_of_a_wrong_type_takes_the_quotes_off_until_it_is_mended(world: World, key: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    assert world.status(DEX).outcome == "quoting"
    spoil(world, key)
    outcomes = await world.tick(worker, fresh=False)
    assert (outcomes[DEX], world.live(DEX)) == ("not_quoting", [])
    assert world.status(DEX).reason in ("hot_state_corrupt", "state_halted")
    mended = await worker.database.run(
        mend_hot_state, sync_client(), await worker.database.run(read_desk), to_datetime(world.clock.now_ns())
    )
    assert mended == (key,)
    world.ready()
    for _ in range(2):
        await world.tick(worker)
    assert (world.status(DEX).outcome, world.status(DEX).reason) == ("quoting", "")
    await worker.close()


async def test_a_position_that_is_lost_or_unreadable_is_not_taken_for_nothing(world: World) -> None:
    """Nothing held would be two hundred lots from target: the desk would be locked until two people met."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before = world.redis.hget(keys.reservations(), DEX)
    for spoilt in (b"{}", None):
        world.redis.delete(keys.position(DEX))
        spoilt and world.redis.set(keys.position(DEX), spoilt)
        for _ in range(3):
            await world.tick(worker)
        assert (world.status(DEX).outcome, world.status(CEX).outcome) == ("not_quoting", "quoting")
        assert before and world.redis.hget(keys.reservations(), DEX).split(b"|")[4] == before.split(b"|")[4]
    assert await worker.database.run(Lock.objects.count) == 0
    await worker.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"phase": "free", "epoch": "x", "turn": "1", "expires_ns": "1", "slot_ns": "1"},
        {"phase": "free", "epoch": "1", "turn": "-", "expires_ns": "1", "slot_ns": "1"},
        {"phase": "held", "epoch": "1", "turn": "1", "expires_ns": "soon", "slot_ns": "1"},
        {"phase": "free", "epoch": "1", "turn": "1", "expires_ns": "1", "slot_ns": "1e400"},
    ],
)
async def test_an_edited_lease_is_as_good_as_vanished(world: World, fields: dict[str, str]) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    epoch = world.lease()["epoch"]
    world.redis.delete(keys.lease(DEX))
    world.redis.hset(keys.lease(DEX), mapping=fields)
    outcomes = [(await world.tick(worker))[DEX] for _ in range(8)]
    assert "error" not in outcomes
    assert outcomes[-1] == "quoting"
    assert int(world.lease()["epoch"]) > int(epoch)
    await worker.close()


async def test_a_lease_of_a_wrong_type_too(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    spoil(world, keys.lease(DEX))
    outcomes = [(await world.tick(worker))[DEX] for _ in range(8)]
    assert ("error" in outcomes, outcomes[-1]) == (False, "quoting")
    await worker.close()


@pytest.mark.parametrize(
    "changes", [{"size": "-1000"}, {"price": "0"}, {"size": "1E+40"}, {"filled": "-5"}, {"size": "NaN"}]
)
async def test_an_edited_order_never_lowers_the_exposure(world: World, changes: dict[str, Any]) -> None:
    """A negative quantity would make room for more: the order is read again from PostgreSQL and the venue instead."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before = {order.side: order for order in world.live(DEX)}
    raw = world.redis.hgetall(keys.open_orders(DEX))
    for name, body in raw.items():
        edited = body
        for field, value in changes.items():
            start = body.index(f'"{field}":"'.encode())
            end = body.index(b'"', start + len(field) + 4)
            edited = edited[:start] + f'"{field}":"{value}'.encode() + edited[end:]
        world.redis.hset(keys.open_orders(DEX), name, edited)
    assert encode(before["buy"]) not in world.redis.hvals(keys.open_orders(DEX))
    # The first cycle takes everything of the market off and ends there.
    outcomes = [(await world.tick(worker))[DEX]]
    assert outcomes == ["error"] and not world.dex.resting()
    outcomes = [(await world.tick(worker))[DEX] for _ in range(4)]
    assert ("error" in outcomes, outcomes[-1]) == (False, "quoting")
    assert sorted(order.side for order in world.live(DEX)) == ["buy", "sell"]
    await worker.close()


NONE_CAN_BE = ("NaN", "-Infinity", "1E+400")
EDITED = {
    "view": (keys.market_view(DEX), ("reference", "ext_bid", "ext_ask", "rolling_mid")),
    "balances": (keys.balances(ACCOUNT), ("assets.dct.total", "assets.dct.free", "assets.usdt.total")),
    "info": (keys.market_info(ACCOUNT), ("tick", "lot_step", "min_size", "min_notional", "maker_fee")),
    "session": (keys.session(DEX), ("peak", "opening_pnl", "opening_price")),
    "position": (keys.position(DEX), ("q", "cost_basis", "cash_flow")),
}


def edit(world: World, key: str, path: str, number: str) -> None:
    """Put `number` into one field of a JSON value, as somebody with a shell would."""
    in_hash = key == keys.market_info(ACCOUNT)
    body = world.redis.hget(key, DEX) if in_hash else world.redis.get(key)
    assert body is not None
    document = json.loads(body)
    *folders, name = path.split(".")
    place = document
    for folder in folders:
        place = place[folder]
    place[name] = number
    text = json.dumps(document)
    _ = world.redis.hset(key, DEX, text) if in_hash else world.redis.set(key, text)


@pytest.mark.parametrize("what", sorted(EDITED))
async def test_numbers_that_none_can_be_are_unreadable_and_never_an_exception(world: World, what: str) -> None:
    key, fields = EDITED[what]
    world.ready()
    worker = world.worker()
    for _ in range(2):
        await world.tick(worker)
    for path in fields:
        for number in NONE_CAN_BE:
            world.clock.advance(1)
            world.publish(DEX)
            world.publish(CEX)
            world.position(DEX)
            edit(world, key, path, number)
            outcomes = await world.tick(worker, fresh=False, step_s=0.0)
            # A session is known to PostgreSQL as well; everything else is nothing to quote on.
            assert outcomes[DEX] == ("quoting" if what == "session" else "not_quoting"), (path, number)
            assert what == "session" or world.live(DEX) == []
            world.publish(DEX)
            world.position(DEX)
            for _ in range(2):
                await world.tick(worker)
            assert world.status(DEX).outcome == "quoting", (path, number)
    assert await worker.database.run(Lock.objects.count) == 0
    await worker.close()
