"""While fills wait for the database the cycles themselves narrow what may rest, by how full the inbox is."""

from __future__ import annotations

from typing import Any

from tests.quoting.world import DEX, World
from trading.hot_state import keys
from trading.quoting.sentences import SENTENCES

BOUND = 1000


def fill_up_to(world: World, entries: int) -> None:
    """Entries that the ledger has not booked, whatever they hold."""
    world.redis.delete(keys.INBOX_STREAM)
    with world.redis.pipeline() as pipe:
        for _ in range(entries):
            pipe.xadd(keys.INBOX_STREAM, {b"k": b"fill", b"b": b"waiting"})
        pipe.execute()


async def test_at_its_target_nothing_rests_from_eighty_percent_on(world: World, settings: Any) -> None:
    settings.INBOX_BOUND = BOUND
    world.ready()
    worker = world.worker()
    fill_up_to(world, 799)
    await world.tick(worker)
    assert (world.status(DEX).outcome, len(world.live(DEX))) == ("quoting", 2)
    fill_up_to(world, 800)
    await world.tick(worker)
    status = world.status(DEX)
    assert (status.outcome, status.reason, status.sentence_args) == (
        "not_quoting",
        "inbox_filling",
        {"inbox_percent": "80"},
    )
    assert "inbox_percent" in SENTENCES[status.sentence_key]
    await world.tick(worker)
    assert world.live(DEX) == []
    await worker.close()


async def test_only_what_lowers_inventory_rests_then_nothing_then_both_sides_again(world: World, settings: Any) -> None:
    settings.INBOX_BOUND = BOUND
    world.ready()
    world.position(DEX, lots=5)
    worker = world.worker()
    seen = []
    for entries in (900, 1000, 5000, 10):
        fill_up_to(world, entries)
        await world.tick(worker)
        await world.tick(worker)
        seen.append((world.status(DEX).reason, sorted(order.side for order in world.live(DEX))))
    await worker.close()
    assert seen == [("inbox_filling", ["sell"]), ("inbox_full", []), ("inbox_full", []), ("", ["buy", "sell"])]
