"""What the venue's own timer cancelled is booked as that, with one event."""

from __future__ import annotations

from dataclasses import replace

from tests.quoting.world import DEX, World
from trading.hot_state.orders import apply_venue_order
from trading.models import Event, Order
from trading.venues.interface import OrderState


async def test_an_order_that_the_timer_cancelled_says_so(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    resting = world.dex.resting()
    names = sorted(order.client_order_id for order in resting)
    assert len(names) == 2
    for order in resting:
        told = replace(order, state=OrderState.CANCELLED, cancel_reason="cancel_after")
        world.dex.orders[order.client_order_id] = told
        await apply_venue_order(worker.redis, DEX, told, world.clock.now_ns())
    for _ in range(5):
        world.publish(DEX)
        await world.tick(worker)
    rows = {row.client_order_id: (row.status, row.reason) for row in Order.objects.filter(client_order_id__in=names)}
    assert rows == dict.fromkeys(names, ("CANCELLED", "cancel_after"))
    told = Event.objects.filter(type="order.timer_cancelled")
    assert sorted(name for event in told for name in event.payload["orders"]) == names
    assert {event.aggregate for event in told} == {f"market:{DEX}"}
    await worker.close()
