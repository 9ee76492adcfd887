"""The service's one database thread: Django's ORM blocks, the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from django.db import close_old_connections, connections

from trading.models import VenueCursor

T = TypeVar("T")


class DatabaseThread:
    """Runs functions one after another on a thread that owns its own connection."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="market-data-db")

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _with_fresh_connection, work)

    def close(self) -> None:
        """Let go of the connection; what still waits is dropped."""
        self._executor.submit(connections.close_all)
        self._executor.shutdown(wait=False)


def _with_fresh_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def committed_cursor(account: str, channel: str) -> str:
    """How far the ledger booked the account's history on `channel`; "" for nothing yet."""
    rows = VenueCursor.objects.filter(account__slug=account, channel=channel).values_list("cursor", flat=True)
    return rows.first() or ""


def minute_of(moment: datetime) -> datetime:
    """The minute that `moment` lies in."""
    return moment.replace(second=0, microsecond=0)
