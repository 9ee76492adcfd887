"""Reservations that Redis lost are rebuilt once, however many markets miss them at the same moment."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.quoting.world import CEX, DEX, World
from trading.hot_state import keys
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


async def test_lost_reservations_stop_everything_until_they_are_rebuilt(world: World, monkeypatch) -> None:
    """Absent is not zero: while another market's worst case is not known nothing is sent, and what rests may only go."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    assert len(world.dex.resting()) == 2

    def away(slugs: tuple[str, ...]) -> object:
        raise OperationalError("gone")

    monkeypatch.setattr(rebuild, "reservations_from_database", away)
    requests = len(world.dex.requests)
    for _ in range(3):
        world.clock.advance(1)
        # The other market has no market data, so that its own cycle can't tell its worst case either.
        world.redis.delete(keys.reservations(), keys.market_view(CEX))
        world.publish(mid=world.publish().reference * 2)
        await world.tick(worker, fresh=False, step_s=0)
    assert [kind for kind, _ in world.dex.requests[requests:] if kind != "cancel"] == []
    assert world.status().outcome != "quoting"
    monkeypatch.undo()
    world.publish(CEX)
    for _ in range(4):
        await world.tick(worker)
    assert world.status().outcome == "quoting"
    assert set(await read_reservations(worker.redis)) == {DEX, CEX}
    await worker.close()


@pytest.mark.parametrize("row", [b"dct|1|1", b"dct|nan|0|1|0", b"", b"dct|1e400|0|1|0"])
async def test_a_hand_edited_row_is_rebuilt_before_anything_is_sent(world: World, row: bytes) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    before = (await read_reservations(worker.redis))[CEX]
    world.redis.hset(keys.reservations(), CEX, row)
    world.redis.hset(keys.reservations(), DEX, row)
    world.clock.advance(1)
    world.publish(mid=world.publish().reference * 2)
    world.publish(CEX)
    await world.tick(worker, fresh=False, step_s=0)
    assert (await read_reservations(worker.redis))[CEX] == before
    assert (await read_reservations(worker.redis))[DEX].long > 0
    await worker.close()
