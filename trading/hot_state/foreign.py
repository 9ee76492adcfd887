"""What else uses a venue account: orders that nobody here sent, and another copy of the portal that quotes through it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import redis
import redis.asyncio
import structlog

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Occupied:
    """Another copy of the portal had orders on the account at `seen_ns`; we keep away until `until_ns` (our wall clock).
    `installation` is its name in client order ids ("" for a copy from before there were names)."""

    account: str
    installation: str
    client_order_id: str
    seen_ns: int
    until_ns: int

    def holds(self, now_ns: int) -> bool:
        """Whether we still keep away. A mark from a clock that was ahead does not hold for longer than it was made for."""
        return self.seen_ns - (self.until_ns - self.seen_ns) <= now_ns < self.until_ns


async def mark_occupied(client: redis.asyncio.Redis, occupied: Occupied) -> bool:
    """Note the other copy; True where nothing of it was known (a mark that no longer holds counts as nothing)."""
    key = keys.occupied(occupied.account)
    before = parse_occupied(await client.get(key))
    await client.set(key, encode(occupied))
    return before is None or not before.holds(occupied.seen_ns)


async def read_occupied(client: redis.asyncio.Redis, account: str, now_ns: int) -> Occupied | None:
    """The other copy, while we keep away because of it."""
    found = parse_occupied(await client.get(keys.occupied(account)))
    return found if found is not None and found.holds(now_ns) else None


def read_all_occupied(accounts: Iterable[str], now_ns: int) -> dict[str, Occupied]:
    """The same of several accounts, for pages and commands; nothing where Redis is away."""
    names: Sequence[str] = sorted(set(accounts))
    if not names:
        return {}
    try:
        raw = sync_client().mget([keys.occupied(name) for name in names])
    except redis.RedisError as problem:
        log.warning("hot_state_unreachable", problem=type(problem).__name__)
        return {}
    found = [parse_occupied(body) for body in raw]
    return {one.account: one for one in found if one is not None and one.holds(now_ns)}


def parse_occupied(body: bytes | str | None) -> Occupied | None:
    """From the key's bytes. What can't be read is no mark: the next look at the account writes a new one."""
    try:
        return None if body is None else decode(body.encode() if isinstance(body, str) else body, Occupied)
    except HotStateCorrupt:
        return None
