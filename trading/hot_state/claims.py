"""A due cycle is claimed once by (shard, slot): a second beat, or a task delivered twice, adds nothing."""

from __future__ import annotations

import redis.asyncio

from trading.hot_state import keys

# Kept this much longer than a tick may be late: not for long, since after the clock was put back the same slots come again.
KEPT_AFTER_S = 2.0


async def claim_slot(client: redis.asyncio.Redis, shard: int, slot: int, owner: str, latest_s: float) -> bool:
    """True for the one caller that may run `slot` of `shard`; a tick is not run later than `latest_s` after its due time."""
    kept_ms = round((latest_s + KEPT_AFTER_S) * 1000)
    return bool(await client.set(keys.claim(shard, slot), owner, nx=True, px=kept_ms))
