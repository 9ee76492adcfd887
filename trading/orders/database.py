"""The threads on which the event loop's code speaks to PostgreSQL: few, with connections that stay open.

Django keeps a connection per thread, so a small fixed pool means few connections and no connecting in a cycle. A connection
that failed is closed at once; the next call opens a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThreads:
    """Runs blocking functions that use the ORM; `close` ends the threads and their connections."""

    def __init__(self, threads: int = 4) -> None:
        self._started = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database", initializer=self._count)

    def _count(self) -> None:
        self._started += 1

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(*args)` on one of the threads. Database errors pass through."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: _with_connection(function, *args, **kwargs))

    def close(self) -> None:
        """End the threads and their connections; waits at most five seconds for what they are doing."""
        started = self._started
        # A barrier, so that every thread takes exactly one of the closings.
        together = threading.Barrier(max(started, 1))
        closings = [self._pool.submit(_close_connection, together) for _ in range(started)]
        wait(closings, timeout=5)
        self._pool.shutdown(wait=False, cancel_futures=True)


def _close_connection(together: threading.Barrier) -> None:
    connection.close()
    with contextlib.suppress(threading.BrokenBarrierError):
        together.wait(timeout=3)


def _with_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except (InterfaceError, OperationalError):
        connection.close()
        raise
