"""Reservations that Redis has lost, rebuilt from PostgreSQL: positions, and orders that may still fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import redis.asyncio

from trading.hot_state import reservations
from trading.hot_state.market import read_market_view
from trading.hot_state.reservations import Reservation
from trading.models import Fill, Market, ParameterSet, Position
from trading.orders.database import DatabaseThreads
from trading.orders.records import open_order_rows
from trading.risk.exposure import ExposureOrder, OrderPhase, worst_case
from trading.risk.side import Side


async def rebuild_reservations(client: redis.asyncio.Redis, database: DatabaseThreads, slugs: Iterable[str]) -> None:
    """Put back the reservations of `slugs`; one that can't be computed stays absent, and nothing more is sent."""
    for wanted in await database.run(reservations_from_database, tuple(slugs)):
        view = await read_market_view(client, wanted.slug)
        if view is not None and view.reference is not None:
            wanted = replace(wanted, mark=view.reference)
        if wanted.mark > 0 or (wanted.long == 0 and wanted.short == 0):
            await reservations.restore(client, wanted)


def reservations_from_database(slugs: tuple[str, ...]) -> list[Reservation]:
    """Worst case of each market as PostgreSQL knows it, marked at the highest price of its orders and last fill (0: none)."""
    return [_reservation(market) for market in Market.objects.filter(slug__in=slugs).order_by("pk")]


def _reservation(market: Market) -> Reservation:
    orders = open_order_rows(market.pk)
    position = Position.objects.filter(market=market).first()
    if position is None and not orders:
        # Never funded, never traded: there is no inventory that could be away from its target.
        return Reservation(market.slug, market.base_id, Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    parameters = ParameterSet.objects.filter(market=market).first()
    target = Decimal(0) if parameters is None else parameters.q_target_lots * market.lot_size
    resting = [
        ExposureOrder(Side(one.side), max(one.size, one.amend_size or one.size) - one.filled, OrderPhase.UNKNOWN)
        for one in orders
    ]
    q = Decimal(0) if position is None else position.q
    worst = worst_case(q, target, resting)
    last = Fill.objects.filter(market=market).order_by("-executed_at").first()
    prices = [one.price for one in orders] + ([last.price] if last else [])
    return Reservation(
        market.slug, market.base_id, worst.long, worst.short, max(prices, default=Decimal(0)), q - target
    )
