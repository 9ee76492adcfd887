"""The cycle from tick to resting orders, with real PostgreSQL and Valkey and a scripted venue."""

from __future__ import annotations

from decimal import Decimal

from tests.quoting.world import CEX, DEX, World
from trading.models import Order
from trading.orders.client_ids import parse_client_order_id


async def test_first_tick_takes_an_epoch_and_rests_both_sides(world: World) -> None:
    world.ready()
    worker = world.worker()
    outcomes = await world.tick(worker)
    assert outcomes == {DEX: "quoting", CEX: "quoting"}, world.status()
    resting = world.dex.resting()
    assert {order.side.value for order in resting} == {"buy", "sell"}
    bid = next(order for order in resting if order.side.value == "buy")
    ask = next(order for order in resting if order.side.value == "sell")
    assert bid.price < Decimal("0.27") < ask.price
    parts = parse_client_order_id(bid.client_order_id)
    assert parts is not None and parts.epoch == int(world.lease()["epoch"])
    assert world.lease()["phase"] == "free"
    rows = {row.client_order_id: row.status for row in Order.objects.filter(market__slug=DEX)}
    assert rows == {order.client_order_id: "LIVE" for order in resting}
    assert world.status().outcome == "quoting"
    await worker.close()
