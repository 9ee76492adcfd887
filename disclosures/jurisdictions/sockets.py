"""The gate of the public socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from django.db import DatabaseError, close_old_connections, connection

from disclosures.jurisdictions.rules import REFUSAL, Room, Rules, rules_in_force, standing_of

# Close code of the portal, after the 451 of the pages.
REFUSED_IN_JURISDICTION: Final = 4451
# All sockets of a process share one reading, or that it failed, for this long.
KEPT_S: Final = 1.0
# A database that does not answer keeps nobody waiting for longer.
READ_WITHIN_S: Final = 3.0


class RulesUnread(Exception):
    """The rules could not be read, or not in time."""


@dataclass(slots=True)
class _Kept:
    """The last reading, how it ended, and the one under way (of one loop)."""

    at_s: float = float("-inf")
    rules: Rules = field(default_factory=dict)
    problem: str = ""
    began_s: float = 0.0
    reading: asyncio.Task[None] | None = None


_kept = _Kept()
# Not the thread that all asynchronous code shares: a database that hangs would hold up the desk's sockets with these.
_executor = ThreadPoolExecutor(1, thread_name_prefix="socket-rules")


async def refused_among(places: Iterable[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Those of `places` (everywhere a socket may come from, as `countries_of_socket` tells) where a rule refuses figures about
    trading; at most `KEPT_S` after the rule changed. Raises `RulesUnread` within `READ_WITHIN_S`."""
    rules = await _rules()
    return frozenset(place for place in places if standing_of(rules, place).level(Room.DASHBOARDS) == REFUSAL)


async def _rules() -> Rules:
    if time.monotonic() - _kept.at_s >= KEPT_S:
        reading = _kept.reading
        if reading is None or reading.done() or reading.get_loop() is not asyncio.get_running_loop():
            _kept.began_s = time.monotonic()
            reading = _kept.reading = asyncio.create_task(_read())
        # Of a reading that has hung for as long already nobody waits for.
        left_s = READ_WITHIN_S - (time.monotonic() - _kept.began_s)
        done, _ = await asyncio.wait([reading], timeout=max(0.0, left_s))
        if not done:
            raise RulesUnread(f"not read within {READ_WITHIN_S:g} s")
    if _kept.problem:
        raise RulesUnread(_kept.problem)
    return _kept.rules


async def _read() -> None:
    try:
        rules = await asyncio.get_running_loop().run_in_executor(_executor, _read_on_thread)
    except Exception as problem:
        _kept.problem = f"{type(problem).__name__}: {problem}"[:200]
    else:
        _kept.rules, _kept.problem = rules, ""
    _kept.at_s = time.monotonic()


def _read_on_thread() -> Rules:
    close_old_connections()
    try:
        return rules_in_force()
    except DatabaseError:
        connection.close()
        raise


def forget_rules() -> None:
    """The next socket reads them anew."""
    _kept.at_s = float("-inf")
