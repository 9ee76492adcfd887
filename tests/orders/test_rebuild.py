"""Reservations that Redis lost are rebuilt once, however many markets miss them at the same moment."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.quoting.world import CEX, DEX, World
from trading.hot_state.reservations import read_reservations
from trading.orders import rebuild
from trading.orders.rebuild import rebuild_reservations, reservations_from_database


async def test_many_markets_that_miss_the_same_reservations_ask_the_database_once(world: World, monkeypatch) -> None:
    world.ready()
    worker, asked = world.worker(), []

    def counted(slugs: tuple[str, ...]) -> object:
        asked.append(slugs)
        return reservations_from_database(slugs)

    monkeypatch.setattr(rebuild, "reservations_from_database", counted)
    await asyncio.gather(*(rebuild_reservations(worker.desk, (DEX, CEX)) for _ in range(50)))
    assert asked == [(DEX, CEX)]
    found = await read_reservations(worker.redis)
    assert set(found) == {DEX, CEX}
    assert found[DEX].long == found[DEX].short == Decimal(0)
    await worker.close()


def test_the_number_of_queries_does_not_grow_with_the_markets(world: World) -> None:
    counts = []
    for slugs in ((DEX,), (DEX, CEX)):
        with CaptureQueriesContext(connection) as queries:
            assert len(reservations_from_database(slugs)) == len(slugs)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6
