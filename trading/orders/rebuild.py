"""Reservations that Redis has lost, rebuilt from PostgreSQL: positions, and orders that may still fill."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from trading.hot_state import reservations
from trading.hot_state.market import read_market_view
from trading.hot_state.reservations import Reservation
from trading.hot_state.values import HotOrder
from trading.models import Market, ParameterSet, Position
from trading.orders.desk import Desk
from trading.orders.records import last_fill_prices, open_orders_of
from trading.risk.exposure import ExposureOrder, OrderPhase, worst_case
from trading.risk.side import Side


async def rebuild_reservations(desk: Desk, slugs: Iterable[str]) -> None:
    """Put back the reservations of `slugs`; one that can't be computed stays absent, and nothing more is sent.

    Many markets find the same ones missing at the same moment: one of them rebuilds, the others wait for it.
    """
    async with desk.rebuilding:
        there = await reservations.read_reservations(desk.redis)
        missing = tuple(slug for slug in slugs if slug not in there)
        if not missing:
            return
        found = await desk.database.run(reservations_from_database, missing)
        views = await asyncio.gather(*(read_market_view(desk.redis, wanted.slug) for wanted in found))
        for wanted, view in zip(found, views, strict=True):
            if view is not None and view.reference is not None:
                wanted = replace(wanted, mark=view.reference)
            if wanted.mark > 0 or (wanted.long == 0 and wanted.short == 0):
                await reservations.restore(desk.redis, wanted)


@dataclass(frozen=True, slots=True)
class _Known:
    """What PostgreSQL has of one market."""

    orders: tuple[HotOrder, ...]
    q: Decimal | None
    target_lots: Decimal
    last_price: Decimal | None


def reservations_from_database(slugs: tuple[str, ...]) -> list[Reservation]:
    """Worst case of each market as PostgreSQL knows it, marked at the highest price of its orders and last fill (0: none)."""
    markets = list(Market.objects.filter(slug__in=slugs).order_by("pk"))
    ids = [market.pk for market in markets]
    orders = open_orders_of(ids)
    positions = dict(Position.objects.filter(market_id__in=ids).values_list("market_id", "q"))
    targets = dict(ParameterSet.objects.filter(market_id__in=ids).values_list("market_id", "q_target_lots"))
    prices = last_fill_prices(ids)
    return [
        _reservation(
            market,
            _Known(
                orders.get(market.pk, ()),
                positions.get(market.pk),
                targets.get(market.pk, Decimal(0)),
                prices.get(market.pk),
            ),
        )
        for market in markets
    ]


def _reservation(market: Market, known: _Known) -> Reservation:
    if known.q is None and not known.orders:
        # Never funded, never traded: there is no inventory that could be away from its target.
        return Reservation(market.slug, market.base_id, Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    target = known.target_lots * market.lot_size
    resting = [
        ExposureOrder(
            Side(one.side), max(max(one.size, one.amend_size or one.size) - one.filled, Decimal(0)), OrderPhase.UNKNOWN
        )
        for one in known.orders
    ]
    q = Decimal(0) if known.q is None else known.q
    worst = worst_case(q, target, resting)
    prices = [one.price for one in known.orders] + ([] if known.last_price is None else [known.last_price])
    return Reservation(
        market.slug, market.base_id, worst.long, worst.short, max(prices, default=Decimal(0)), q - target
    )
