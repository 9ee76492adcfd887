"""A due cycle is claimed once by (shard, slot): a second beat, or a task delivered twice, adds nothing."""

from __future__ import annotations

import redis.asyncio

from trading.hot_state import keys

CLAIM_TTL_S = 60


async def claim_slot(client: redis.asyncio.Redis, shard: int, slot: int, owner: str) -> bool:
    """True for the one caller that may run `slot` of `shard`."""
    return bool(await client.set(keys.claim(shard, slot), owner, nx=True, px=CLAIM_TTL_S * 1000))
