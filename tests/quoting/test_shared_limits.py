"""Limits of an asset and of the desk: soft stops adding and tells once, hard takes quotes off and locks."""

from __future__ import annotations

import json

from tests.quoting.world import CEX, DEX, World
from trading.hot_state import decisions as stream
from trading.hot_state import keys
from trading.models import Event, ExposureLimit, Lock
from trading.quoting.replay import recompute


def _limit(scope: str, soft: int, hard: int, **only: str) -> None:
    assert ExposureLimit.objects.filter(scope=scope, **only).update(soft_limit=soft, hard_limit=hard) == 1


async def test_the_assets_soft_limit_stops_adding_and_tells_once(world: World) -> None:
    world.ready()
    world.position(DEX, 5)
    _limit("asset", 5000, 20_000, key="dct")
    worker = world.worker()
    for _ in range(3):
        await world.tick(worker)
    assert [order.side.value for order in world.dex.resting()] == ["sell"]
    assert len(world.cex.resting()) == 2, "another asset"
    assert world.status().reason == "asset_soft_limit_reached"
    assert Event.objects.filter(type="limit.soft").count() == 1
    await worker.close()


async def test_the_assets_hard_limit_takes_quotes_off_and_locks_its_markets(world: World) -> None:
    world.ready()
    world.position(DEX, 5)
    worker = world.worker()
    await world.tick(worker)
    assert world.dex.resting()
    _limit("asset", 1000, 5000, key="dct")
    for _ in range(8):
        await world.tick(worker)
    assert world.dex.resting() == []
    assert len(world.cex.resting()) == 2
    lock = Lock.objects.get()
    assert (lock.scope, lock.state, lock.rule) == (DEX, "PAUSED", "asset_limit")
    assert Event.objects.filter(type="limit.hard").count() == 1
    await worker.close()


async def test_the_desks_hard_limit_counts_every_market_and_locks_the_desk(world: World) -> None:
    """5000 DCT at 0.27 are 1350 USDT; the second market sees them from its neighbour's reservation."""
    world.ready()
    world.position(DEX, 5)
    worker = world.worker()
    await world.tick(worker)
    _limit("desk", 1000, 1300)
    for _ in range(8):
        await world.tick(worker)
    assert world.dex.resting() == [] and world.cex.resting() == []
    assert list(Lock.objects.values_list("scope", "rule")) == [("desk", "desk_limit")]
    await worker.close()
    found = [stream.parse_decision(fields[b"d"]) for _, fields in world.redis.xrange(keys.DECISION_STREAM)]
    replayed = [
        recompute(one.cycle_id, one.slug, "", json.loads(bytes(one.inputs)), json.loads(bytes(one.result)))
        for one in found
    ]
    assert all(one.equal for one in replayed) and {one.market for one in replayed} == {DEX, CEX}
