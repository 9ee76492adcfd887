"""Who keeps an account's dead man's switch, and what taking a halted market's orders off has come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import quick_client

# ARGV: owner, time to live in ms. The claim is the caller's if nobody has it, or if it was the caller's already.
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Cleared:
    """As of `at_ns`: `cancelled` orders went since `since_ns`, `resting` the venue still showed (None: it could not be asked)."""

    slug: str
    since_ns: int
    at_ns: int
    cancelled: int
    resting: int | None


async def claim_keeper(client: redis.asyncio.Redis, account: str, owner: str, ttl_s: float) -> bool:
    """Whether `owner` keeps the account's switch for the next `ttl_s`. Raises RedisError: then nobody can be sure to."""
    return bool(await client.eval(_CLAIM, 1, keys.keeper(account), owner, round(ttl_s * 1000)))


async def write_cleared(client: redis.asyncio.Redis, cleared: Cleared) -> None:
    await client.set(keys.cleared(cleared.slug), encode(cleared))


def read_cleared_sync(slugs: Sequence[str]) -> dict[str, Cleared]:
    """What is known, by market; unreadable entries are left out. Raises `HotStateUnavailable` within a third of a second."""
    if not slugs:
        return {}
    found = {}
    answer: Any = quick_client().mget([keys.cleared(slug) for slug in slugs])
    for slug, body in zip(slugs, answer, strict=True):
        try:
            found[slug] = decode(body, Cleared) if body else None
        except HotStateCorrupt:
            continue
    return {slug: one for slug, one in found.items() if one is not None}
