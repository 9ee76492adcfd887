"""What nobody of us can have written is set aside: keys of a wrong type, pending quantities without their entry.

Whoever reads such a key fails closed; without this it would stay so. What was there is kept under another name for people to
look at, and the rooms make the key anew as after a loss.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

from trading.hot_state import keys

SET_ASIDE_KEPT_S = 7 * 86_400
_OF_MARKET = (
    (keys.market_view, "string"),
    (keys.position, "string"),
    (keys.inbox_pending, "hash"),
    (keys.applied_fills, "zset"),
    (keys.open_orders, "hash"),
    (keys.lease, "hash"),
    (keys.session, "string"),
    (keys.markouts, "string"),
    (keys.cycle, "string"),
    (keys.history, "stream"),
    (keys.announced_decision, "string"),
    (keys.cleared, "string"),
)
_OF_ACCOUNT = (
    (keys.balances, "string"),
    (keys.market_info, "hash"),
    (keys.poll_request, "list"),
    (keys.reconciled, "string"),
    (keys.keeper, "string"),
)
_SHARED = (
    (keys.INBOX_STREAM, "stream"),
    (keys.DEAD_LETTERS, "stream"),
    (keys.DECISION_STREAM, "stream"),
    (keys.DECISION_DEAD_LETTERS, "stream"),
    (keys.PARAMETER_STREAM, "stream"),
    (keys.EVENT_STREAM, "stream"),
    (keys.controls(), "hash"),
    (keys.reservations(), "hash"),
    (keys.comparison_requests(), "hash"),
)
# KEYS: key, name to keep it under. ARGV: type it should have, seconds to keep it. Asked again inside, as a writer may have been
# quicker.
_SET_ASIDE = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' or kind == ARGV[1] then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""
# KEYS: inbox, pending, name to keep it under. An entry and its pending quantity are written in one step, and the quantity goes
# before the entry does: with no entry left, whatever is pending was written by somebody else.
_DROP_ORPHANS = """
if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
local count = redis.call('HLEN', KEYS[2])
if count == 0 then return 0 end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[1])
return count
"""


def _aside(key: str, now_ns: int) -> str:
    return f"{keys.SET_ASIDE}{now_ns}:{key.removeprefix(keys.PREFIX)}"


def set_aside_wrong_types(client: redis.Redis, slugs: Iterable[str], accounts: Iterable[str], now_ns: int) -> list[str]:
    """Rename every key of ours whose type is not the one we write; their names."""
    expected: list[tuple[str, str]] = [(name(slug), kind) for slug in slugs for name, kind in _OF_MARKET]
    expected += [(name(account), kind) for account in accounts for name, kind in _OF_ACCOUNT]
    expected += _SHARED
    with client.pipeline(transaction=False) as pipe:
        for key, _ in expected:
            pipe.type(key)
        found = pipe.execute()
    wrong = [
        (key, kind) for (key, kind), held in zip(expected, found, strict=True) if held.decode() not in ("none", kind)
    ]
    return [key for key, kind in wrong if client.eval(_SET_ASIDE, 2, key, _aside(key, now_ns), kind, SET_ASIDE_KEPT_S)]


def set_aside_orphaned_pending(client: redis.Redis, slug: str, now_ns: int) -> int:
    """Take off what is pending on a market although no entry waits; how many quantities."""
    key = keys.inbox_pending(slug)
    dropped: Any = client.eval(_DROP_ORPHANS, 3, keys.INBOX_STREAM, key, _aside(key, now_ns), SET_ASIDE_KEPT_S)
    return int(dropped)
