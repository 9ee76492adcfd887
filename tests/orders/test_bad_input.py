"""Hand-edited keys and answers of the venue that no venue gives: the worst case is never lowered by them, and nothing crashes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.quoting.world import DEX, World
from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, encode
from trading.hot_state.orders import read_open_orders
from trading.quoting.inputs import slot_order
from trading.venues.ccxt_okx import shapes as okx
from trading.venues.identity import Identities
from trading.venues.interface import UnexpectedAnswer
from trading.venues.ton_dex import shapes as dex


@pytest.mark.parametrize(
    "fields",
    [
        {"epoch": "garbage"},
        {"epoch": "-5"},
        {"turn": "1e9"},
        {"expires_ns": "soon"},
        {"expires_ns": "9" * 40},
        {"slot_ns": "\x00"},
        {"phase": "sleeping"},
        {"phase": "held", "expires_ns": "nan"},
    ],
)
async def test_a_hand_edited_lease_is_none_and_a_whole_lease_is_waited_for(
    world: World, fields: dict[str, str]
) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before, epoch = {one.client_order_id for one in world.dex.resting()}, int(world.lease()["epoch"])
    world.redis.hset(keys.lease(DEX), mapping=fields)
    outcomes = [(await world.tick(worker))[DEX] for _ in range(5)]
    assert "quoting" not in outcomes, "some holder may still be alive"
    for _ in range(4):
        await world.tick(worker)
    assert world.status().outcome == "quoting" and int(world.lease()["epoch"]) > epoch
    resting = {one.client_order_id for one in world.dex.resting()}
    assert len(resting) == 2 and not resting & before
    await worker.close()


@pytest.mark.parametrize("name", ["lease", "open_orders", "market_view", "cycle", "session", "reservations"])
@pytest.mark.parametrize("kind", ["string", "list", "set"])
async def test_a_key_of_another_type_stops_the_market_at_most_for_a_while(world: World, name: str, kind: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    key = keys.reservations() if name == "reservations" else getattr(keys, name)(DEX)
    world.redis.delete(key)
    write = {"string": world.redis.set, "list": world.redis.rpush, "set": world.redis.sadd}[kind]
    write(key, "edited")
    for _ in range(9):
        world.redis.delete(keys.market_view(DEX)) if name == "market_view" else None
        world.publish(DEX)
        await world.tick(worker)
    assert world.status().outcome == "quoting", world.status()
    assert len(world.dex.resting()) == 2
    await worker.close()


@pytest.mark.parametrize(
    "change",
    [{"size": Decimal(-100)}, {"filled": Decimal(-1)}, {"amend_size": Decimal(-5)}, {"settled_filled": Decimal(-1)}],
)
async def test_a_negative_quantity_in_the_hot_state_is_garbage(world: World, change: dict[str, Decimal]) -> None:
    from dataclasses import replace

    world.ready()
    worker = world.worker()
    await world.tick(worker)
    held = next(iter(world.orders().values()))
    world.redis.hset(keys.open_orders(DEX), held.client_order_id, encode(replace(held, **change)))
    with pytest.raises(HotStateCorrupt):
        await read_open_orders(worker.redis, DEX)
    assert (await world.tick(worker))[DEX] == "error"
    assert world.dex.resting() == [], "everything goes before it is mended"
    for _ in range(4):
        await world.tick(worker)
    assert world.status().outcome == "quoting"
    await worker.close()


async def test_more_filled_than_the_order_was_does_not_lower_the_worst_case(world: World) -> None:
    from dataclasses import replace

    world.ready()
    worker = world.worker()
    await world.tick(worker)
    held = next(iter(world.orders().values()))
    assert slot_order(replace(held, filled=held.size * 3), held.epoch).quantity == 0
    await worker.close()


NUMBERS = [("size", "-100"), ("size", "0"), ("size", "1e30"), ("filled", "-1"), ("filled", "101"), ("price", "-0.27")]
WRONG = [
    ("size", 100),
    ("size", None),
    ("size", "NaN"),
    ("filled", []),
    ("price", {}),
    ("price", "0x10"),
    ("size", "9" * 60),
]


@pytest.mark.parametrize(("field", "value"), NUMBERS + WRONG)
def test_an_order_with_amounts_that_no_order_has_is_an_unexpected_answer(field: str, value: object) -> None:
    row = {
        "symbol": "DCT/USDT", "client_order_id": "m1b0e1c1", "order_id": "7", "side": "buy", "price": "0.27", "size": "100",
        "filled": "0", "avg_price": None, "status": "open", "updated_ms": 1,
    }  # fmt: skip
    assert dex.order(row, Identities()).size == 100
    with pytest.raises(UnexpectedAnswer):
        dex.order(row | {field: value}, Identities())
    names = {"size": "sz", "filled": "accFillSz", "price": "px"}
    other = {
        "instId": "GRAM-USDT", "clOrdId": "m1b0e1c1", "ordId": "7", "side": "buy", "px": "0.27", "sz": "100",
        "accFillSz": "0", "avgPx": "", "state": "live", "uTime": "1", "cancelSource": "",
    }  # fmt: skip
    assert okx.order(other, Identities()).size == 100
    with pytest.raises(UnexpectedAnswer):
        okx.order(other | {names[field]: value}, Identities())


def test_an_order_without_a_client_id_goes_by_the_venues_own() -> None:
    row = {
        "instId": "GRAM-USDT", "clOrdId": "", "ordId": "7001", "side": "buy", "px": "1.4", "sz": "10", "accFillSz": "0",
        "avgPx": "", "state": "live", "uTime": "1", "cancelSource": "",
    }  # fmt: skip
    assert okx.order(row, Identities()).client_order_id == "venue-7001"
    assert okx.reference("venue-7001") == {"ordId": "7001"}
    assert okx.reference("m1b0e1c1") == {"clOrdId": "m1b0e1c1"}
