"""A spread cap below what the venue's fees or two ticks demand is a reason for not quoting, never a quote at a loss."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.quoting.world import ACCOUNTS, CEX, DEX, World
from trading.hot_state import keys
from trading.hot_state.codec import decode, encode
from trading.venues.interface import MarketInfo


def _venue_says(world: World, **changes: Decimal) -> None:
    key = keys.market_info(ACCOUNTS[DEX])
    info = decode(world.redis.hget(key, DEX), MarketInfo)
    world.redis.hset(key, DEX, encode(replace(info, **changes)))


@pytest.mark.parametrize(
    ("changes", "args"),
    [
        # The set in force: cap 60 bps, cushion 1 bps. Twice 30 bps and the cushion are 61.
        ({"maker_fee": Decimal("0.0030")}, {"cap": "60.0", "floor": "61.0", "name": "fee_cushion_bps"}),
        # Two ticks of 0.00135 are 100 bps of 0.27.
        ({"tick": Decimal("0.00135")}, {"cap": "60.0", "floor": "100.0", "name": "tick"}),
    ],
)
async def test_a_cap_below_the_floor_takes_the_quotes_off(world: World, changes: dict, args: dict) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    assert len(world.dex.resting()) == 2, "at 1 bp and a tick of 0.000001 the set quotes"
    sent = len(world.dex.submitted)
    world.clock.advance(1)
    world.publish(DEX)
    _venue_says(world, **changes)
    outcomes = await world.tick(worker, fresh=False, step_s=0)
    status = world.status()
    assert (outcomes[DEX], status.reason, status.sentence_key) == ("not_quoting", "cap_below_floor", "cap_below_floor")
    assert status.sentence_args == args
    assert world.dex.resting() == [] and len(world.dex.submitted) == sent
    assert len(world.cex.resting()) == 2
    await worker.close()


async def test_a_cap_at_the_floor_still_quotes(world: World) -> None:
    world.ready(DEX)
    _venue_says(world, maker_fee=Decimal("0.00295"))
    worker = world.worker()
    world.clock.advance(1)
    outcomes = await world.tick(worker, fresh=False, step_s=0)
    assert (outcomes[DEX], len(world.dex.resting())) == ("quoting", 2)
    assert outcomes[CEX] == "not_quoting"
    await worker.close()
