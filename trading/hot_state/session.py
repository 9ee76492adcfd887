"""A market's trading session in the hot state: read by its cycles, written by whoever holds its lease."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.soundness import is_sound
from trading.hot_state.values import HotMarkouts
from trading.risk.session import Session

# ARGV: the session, its day, its number, its peak. Within a session the peak never falls, however it was read.
_RAISE = """
local held = redis.pcall('GET', KEYS[1])
if type(held) == 'string' then
  local ok, value = pcall(cjson.decode, held)
  if ok and type(value) == 'table' and value['day'] == ARGV[2] then
    local number, peak = tonumber(value['number']) or 1, tonumber(value['peak']) or -math.huge
    local is_higher = peak < math.huge and peak > tonumber(ARGV[4])
    if number > tonumber(ARGV[3]) or (number == tonumber(ARGV[3]) and is_higher) then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


def queue_session(client: Any, slug: str, session: Session) -> Any:
    """Queue on a pipeline (or run on a client): keep `session` unless one of the same day has a higher peak."""
    return client.eval(
        _RAISE, 1, keys.session(slug), encode(session), session.day, session.number, format(session.peak, "f")
    )


def raise_session_sync(slug: str, session: Session) -> None:
    """The same, blocking."""
    queue_session(sync_client(), slug, session)


def read_session_sync(slug: str) -> Session | None:
    """None where there is none or it can't be read."""
    body: Any = sync_client().get(keys.session(slug))
    try:
        session = None if body is None else decode(body, Session)
    except HotStateCorrupt:
        return None
    return session if is_sound(session) else None


def write_markouts_sync(markouts: HotMarkouts) -> None:
    """Tell the market's next cycles how its last fills did."""
    sync_client().set(keys.markouts(markouts.slug), encode(markouts))


async def read_markouts(client: redis.asyncio.Redis, slug: str) -> HotMarkouts | None:
    """None where there are none or they can't be read."""
    body: Any = await client.get(keys.markouts(slug))
    try:
        return None if body is None else decode(body, HotMarkouts)
    except HotStateCorrupt:
        return None
