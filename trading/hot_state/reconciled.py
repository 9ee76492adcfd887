"""Which accounts were compared with their venue since this group of processes started, and who asks for a comparison.

Quoting waits for the mark. It names the start of the system (`DCMM_GROUP`, set by the supervisor for all its processes), so
that one of an earlier start does not count, and it is gone with everything else when Redis loses its memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import redis

from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.hot_state.market import HotClient

# No comparison takes longer; a process that died while comparing holds the others up for no longer.
COMPARING_MS = 15_000
AGAIN_AFTER_SUCCESS_MS, AGAIN_AFTER_FAILURE_MS = 5_000, 2_000


def group() -> str:
    """The start of the system that this process belongs to; "" where nobody named it: then any mark counts."""
    return os.environ.get("DCMM_GROUP", "")


def is_marked(body: bytes | None) -> bool:
    """Whether a mark read from the hot state counts for this group."""
    return body is not None and group() in ("", body.decode(errors="replace"))


def mark_reconciled(account: str) -> None:
    """The account was compared, and what was found is in the controls. A command of no group never undoes a group's mark."""
    mine = group()
    sync_client().set(keys.reconciled(account), mine.encode(), nx=not mine)


async def request_comparison(client: HotClient, account: str, reason: str) -> None:
    """Ask for a comparison now (the account's own stream was interrupted); asking twice is asking once."""
    await client.hset(keys.comparison_requests(), account, reason[:80])


def wanted_comparisons(client: redis.Redis, accounts: Iterable[str]) -> dict[str, str]:
    """Account → why it should be compared now: never since the start, or somebody asked."""
    names = list(accounts)
    with client.pipeline(transaction=False) as pipe:
        for account in names:
            pipe.get(keys.reconciled(account))
        pipe.hgetall(keys.comparison_requests())
        *marks, asked = pipe.execute()
    wanted = {name: "start" for name, mark in zip(names, marks, strict=True) if not is_marked(mark)}
    requests = {name.decode(errors="replace"): reason.decode(errors="replace") for name, reason in asked.items()}
    return {name: reason for name, reason in requests.items() if name in names} | wanted


def claim_comparison(client: redis.Redis, account: str) -> bool:
    """Take it on, for this process alone; what was asked until now is answered by it."""
    taken: Any = client.set(_claim(account), b"1", nx=True, px=COMPARING_MS)
    if taken:
        client.hdel(keys.comparison_requests(), account)
    return bool(taken)


def end_comparison(client: redis.Redis, account: str, *, succeeded: bool) -> None:
    """Let the next one begin after a pause: a stream that is interrupted again and again asks again and again."""
    pause_ms = AGAIN_AFTER_SUCCESS_MS if succeeded else AGAIN_AFTER_FAILURE_MS
    client.set(_claim(account), b"1", px=pause_ms)


def _claim(account: str) -> str:
    return keys.comparison_claim(account, group())
