"""Tightenings on their way: PostgreSQL is the truth, this only makes a stricter state effective a moment earlier.

An entry counts for `TIGHTENING_VALID_S`, long enough for every worker to have read PostgreSQL again. A tightening never
replaces a stricter one that still counts; only `replace_sync`, after PostgreSQL was loosened, does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import quick_client

TIGHTENING_VALID_S = 5.0

# ARGV: scope, the entry, its state, its time in ns, for how many ns an entry counts. What can't be read counts as halted
# (`parse_controls`), so it stays; times are as far apart as a double can tell (a quarter of a microsecond).
_TIGHTEN = """
local rank = {active = 0, reducing = 1, paused = 2, halted = 3}
local body = redis.call('HGET', KEYS[1], ARGV[1])
if body then
  local ok, held = pcall(cjson.decode, body)
  if not ok or type(held) ~= 'table' or not rank[held.state] or type(held.at_ns) ~= 'number' then return 0 end
  if tonumber(ARGV[4]) - held.at_ns <= tonumber(ARGV[5]) and rank[held.state] > rank[ARGV[3]] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
# ARGV: scope, the entry or '' for none, its time in ns. A tightening newer than the loosening stays.
_REPLACE = """
local body = redis.call('HGET', KEYS[1], ARGV[1])
if body then
  local ok, held = pcall(cjson.decode, body)
  if ok and type(held) == 'table' and type(held.at_ns) == 'number' and held.at_ns > tonumber(ARGV[3]) then return 0 end
end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class HotControl:
    """A state set on `scope` at `at_ns` (lower-case word of `TradingState`)."""

    scope: str
    state: str
    at_ns: int


def tighten_sync(control: HotControl) -> bool:
    """Make `control` known to all workers; False where a stricter state that still counts was kept.

    Raises `HotStateUnavailable` within about a third of a second.
    """
    valid_ns = round(TIGHTENING_VALID_S * 1e9)
    answer = quick_client().eval(
        _TIGHTEN, 1, keys.controls(), control.scope, encode(control), control.state, control.at_ns, valid_ns
    )
    return answer == 1


def replace_sync(control: HotControl) -> bool:
    """After PostgreSQL was loosened: `control` is what still stands (active: nothing); False where a newer tightening was kept.

    Raises `HotStateUnavailable` within about a third of a second.
    """
    body = b"" if control.state == "active" else encode(control)
    return quick_client().eval(_REPLACE, 1, keys.controls(), control.scope, body, control.at_ns) == 1


async def read_tightenings(client: redis.asyncio.Redis, scopes: Sequence[str], now_ns: int) -> dict[str, str]:
    """Scope → the state announced for it, where one still counts."""
    raw: Any = await client.hmget(keys.controls(), list(scopes))
    found = ((scope, parse_controls([body], now_ns)) for scope, body in zip(scopes, raw, strict=True))
    return {scope: states[0] for scope, states in found if states}


def parse_controls(raw: list[bytes | None], now_ns: int) -> tuple[str, ...]:
    """The states still counting. An unreadable entry counts as halted: what can't be checked has failed."""
    states = []
    for body in raw:
        if body is None:
            continue
        try:
            control = decode(body, HotControl)
        except HotStateCorrupt:
            states.append("halted")
            continue
        if now_ns - control.at_ns <= TIGHTENING_VALID_S * 1e9:
            states.append(control.state)
    return tuple(states)
