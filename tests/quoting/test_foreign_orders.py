"""Orders that nobody here sent, and two copies of the portal on one account: noticed, told, dealt with by policy."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import override_settings

from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.orders import read_open_orders_sync
from trading.hot_state.reservations import read_reservations
from trading.market_data.own_orders import OwnOrders
from trading.models import Event, Fill, Market
from trading.orders.client_ids import parse_client_order_id
from trading.orders.foreign import keep_away_s
from trading.orders.keeper import Keeper
from trading.quoting.connections import Connections
from trading.sentence_text import sentence
from trading.venues.interface import OrderRequest, OrderState, Side

ADOPT = override_settings(FOREIGN_ORDERS={"dex-desk": "adopt"})


def by_hand(world: World, name: str = "web-7", side: Side = Side.BUY, price: str = "0.25", size: int = 3000) -> None:
    world.dex._place(OrderRequest(DEX, side, Decimal(price), Decimal(size), name))


def other_copy(world: World, name: str = "m1b0e1700000000c9izzzz") -> None:
    by_hand(world, name)


def own_orders(world: World, worker: Connections) -> OwnOrders:
    async def ask(work):
        return await worker.database.run(work)

    return OwnOrders("dex-desk", worker.redis, world.clock, ask)


def events(kind: str) -> list[dict[str, object]]:
    return list(Event.objects.filter(type=kind).order_by("id").values_list("payload", flat=True))


def resting(world: World) -> set[str]:
    return {order.client_order_id for order in world.dex.resting()}


async def test_an_order_by_hand_is_cancelled_at_start(world: World) -> None:
    world.ready()
    by_hand(world)
    worker = world.worker()
    await world.tick(worker)
    assert ("cancel", "web-7") in world.dex.requests
    assert "web-7" not in resting(world) and len(resting(world)) == 2
    told = events("order.foreign")
    assert [(one["account"], one["market"], one["client_order_id"], one["size"], one["policy"]) for one in told] == [
        ("dex-desk", DEX, "web-7", "3000", "cancel")
    ]
    await world.tick(worker)
    assert len(events("order.foreign")) == 1 and world.status().outcome == "quoting"
    await worker.close()


@pytest.mark.parametrize("how", ["stream", "audit"])
async def test_an_order_by_hand_is_cancelled_by_the_cycle_once_noticed(world: World, how: str) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    by_hand(world, size=5)
    before = resting(world) - {"web-7"}
    told = [world.dex.orders["web-7"]] if how == "stream" else await world.dex.fetch_open_orders()
    await own_orders(world, worker).told(told)
    assert [one.foreign for one in read_open_orders_sync(DEX) if one.client_order_id == "web-7"] == ["cancel"]
    assert "web-7" in resting(world), "whoever notices sends nothing"
    await world.tick(worker)
    await world.tick(worker)
    assert resting(world) == before
    assert [one["client_order_id"] for one in events("order.foreign")] == ["web-7"]
    await worker.close()


@ADOPT
async def test_an_adopted_order_stays_and_counts_on_its_side(world: World) -> None:
    """Hard limit 12 lots of 1000 and a bid of 11 500 by hand: what is left for our own bid is 500."""
    world.ready()
    hard = Market.objects.get(slug=DEX).parameter_set.q_hard_lots
    by_hand(world, size=int(hard * 1000) - 500)
    worker = world.worker()
    for _ in range(3):
        await world.tick(worker)
    assert "web-7" in resting(world) and ("cancel", "web-7") not in world.dex.requests
    bids = [one.size for one in world.dex.resting() if one.side is Side.BUY and one.client_order_id != "web-7"]
    assert sum(bids, Decimal(0)) <= 500
    assert (await read_reservations(worker.redis))[DEX].long >= hard * 1000 - 500
    assert [one["policy"] for one in events("order.foreign")] == ["adopt"]
    await worker.close()


@ADOPT
async def test_an_adopted_order_outlives_a_lost_redis_and_is_no_quote_of_ours(world: World) -> None:
    world.ready()
    by_hand(world, size=5)
    worker = world.worker()
    await world.tick(worker)
    world.redis.flushdb()
    world.ready()
    for _ in range(8):
        await world.tick(worker)
    assert world.status().outcome == "quoting" and len(resting(world)) == 3
    assert [one.foreign for one in read_open_orders_sync(DEX) if one.client_order_id == "web-7"] == ["adopt"]
    await worker.close()


@ADOPT
async def test_an_adopted_order_that_filled_is_forgotten_once_the_ledger_has_it(world: World) -> None:
    world.ready()
    by_hand(world, size=40)
    worker = world.worker()
    await world.tick(worker)
    world.dex.fill("web-7", Decimal(40))
    done = world.dex.orders["web-7"]
    await own_orders(world, worker).told([done])
    await world.tick(worker)
    held = world.orders()["web-7"]
    assert (held.status, held.filled, held.settled_filled) == ("FILLED", 40, 0), "not in the ledger: it counts"
    now = to_datetime(world.clock.now_ns())
    Fill.objects.create(
        market=Market.objects.get(slug=DEX), venue="v", account="dex-desk", symbol="S", trade_id="t1",
        order_id=done.venue_order_id, client_order_id="", side="buy", price=done.price, size=Decimal(40), maker=True,
        source="stream", ledger_seq=1, executed_at=now, booked_at=now,
    )  # fmt: skip
    for _ in range(5):
        await world.tick(worker)
    assert "web-7" not in world.orders()
    await worker.close()


async def test_the_second_copy_refuses_and_says_why(world: World) -> None:
    world.ready()
    other_copy(world)
    worker = world.worker()
    for _ in range(3):
        outcomes = await world.tick(worker)
        assert outcomes[DEX] == "not_quoting"
    status = world.status()
    assert (status.reason, status.sentence_args) == ("account_in_use", {"detail": "zzzz"})
    assert sentence(status.sentence_key, status.sentence_args) == (
        "Not quoting: another copy of the portal (zzzz) has orders on this account; only one may quote through it."
    )
    assert world.dex.requests == [("submit", "m1b0e1700000000c9izzzz")], "neither quoted nor cancelled anything"
    assert [(one["account"], one["installation"]) for one in events("account.in_use")] == [("dex-desk", "zzzz")]
    assert outcomes[CEX] == "quoting", "the other account is nobody else's"
    await worker.close()


async def test_a_copy_found_while_quoting_takes_our_quotes_off_and_leaves_its(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    other_copy(world)
    await own_orders(world, worker).told(await world.dex.fetch_open_orders())
    await world.tick(worker)
    assert resting(world) == {"m1b0e1700000000c9izzzz"}
    assert world.status().reason == "account_in_use"
    assert not await Keeper(world.dex, (DEX,), worker.redis, world.clock).beat(), "its timer must end with it"
    assert world.dex.cancel_after_calls == []
    await worker.close()


async def test_when_the_other_copy_is_gone_quoting_begins_after_a_while(world: World) -> None:
    world.ready()
    other_copy(world)
    worker = world.worker()
    await world.tick(worker)
    world.dex._cancel("m1b0e1700000000c9izzzz")
    world.redis.delete(keys.lease(DEX))
    held_s = keep_away_s(worker.governed.installation)
    assert 35 <= held_s <= 50
    for _ in range(int(held_s) - 2):
        await world.tick(worker)
        assert world.dex.submitted[1:] == []
    for _ in range(10):
        await world.tick(worker)
    assert world.status().outcome == "quoting" and len(resting(world)) == 2
    await worker.close()


async def test_orders_of_ours_that_only_postgresql_remembers_are_ours(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    mine = resting(world)
    world.redis.delete(keys.open_orders(DEX))
    await own_orders(world, worker).told(await world.dex.fetch_open_orders())
    assert {one.client_order_id for one in world.live()} == mine
    assert events("account.in_use") == [] == events("order.foreign")
    await worker.close()


async def test_a_copy_of_the_whole_database_is_told_by_orders_that_have_no_row(world: World) -> None:
    """The same installation's name in the id, but nobody here wrote the intent."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    order = world.dex.resting()[0]
    parts = parse_client_order_id(order.client_order_id)
    assert parts is not None and parts.installation == worker.governed.installation != ""
    twin = replace(order, client_order_id=f"m1b0e1c1i{parts.installation}", state=OrderState.OPEN)
    await own_orders(world, worker).told([twin])
    await world.tick(worker)
    assert world.status().reason == "account_in_use"
    await worker.close()


async def test_a_garbled_mark_is_no_mark(world: World) -> None:
    world.ready()
    worker = world.worker()
    world.redis.set(keys.occupied("dex-desk"), b"garbage")
    assert (await world.tick(worker))[DEX] == "quoting"
    await worker.close()
