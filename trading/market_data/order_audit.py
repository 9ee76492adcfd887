"""Own orders compared with what the venue says rests: what the stream did not tell, or Redis lost, is made good."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from trading.clock import Clock
from trading.hot_state.market import HotClient
from trading.hot_state.orders import apply_venue_order, read_open_orders
from trading.market_data.own_orders import OwnOrders
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)


async def audit_orders(
    venue: Venue, slugs: Collection[str], client: HotClient, clock: Clock, own_orders: OwnOrders
) -> int:
    """Take in every order that rests, by who sent it, and ask after each that should and does not; how many were asked
    after.

    Orders whose outcome is open (intents, unknown, amends under way) are left to the one who sent them.
    """
    resting = [order for order in await venue.fetch_open_orders(None) if order.market in slugs]
    await own_orders.told(resting)
    await own_orders.note_free()
    known = {order.client_order_id for order in resting}
    asked = 0
    for slug in slugs:
        for held in await read_open_orders(client, slug):
            if held.status != "LIVE" or held.amend_price is not None or held.client_order_id in known:
                continue
            asked += 1
            told = await venue.fetch_order(slug, held.client_order_id)
            if told is None:
                log.error("resting_order_unknown_to_venue", market=slug, client_order_id=held.client_order_id)
            else:
                await apply_venue_order(client, slug, told, clock.now_ns())
    return asked
