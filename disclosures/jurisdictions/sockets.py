"""The gate of the public socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from disclosures.jurisdictions.rules import REFUSAL, Room, Rules, rules_in_force, standing_of

# Close code of the portal, after the 451 of the pages.
REFUSED_IN_JURISDICTION: Final = 4451
# All sockets of a process share one reading for this long.
KEPT_S: Final = 1.0
_kept: dict[str, Any] = {"at": float("-inf"), "rules": {}}
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def refused_among(places: Iterable[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Those of `places` (everywhere a socket may come from, as `countries_of_socket` tells) where a rule refuses figures about
    trading; at most `KEPT_S` after the rule changed. Raises what the database raises."""
    rules = await _rules()
    return frozenset(place for place in places if standing_of(rules, place).level(Room.DASHBOARDS) == REFUSAL)


async def _rules() -> Rules:
    async with _locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        if time.monotonic() - _kept["at"] >= KEPT_S:
            _kept["rules"] = await database_sync_to_async(rules_in_force)()
            _kept["at"] = time.monotonic()
    rules: Rules = _kept["rules"]
    return rules


def forget_rules() -> None:
    """The next socket reads them anew."""
    _kept["at"] = float("-inf")
