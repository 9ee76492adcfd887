"""The one event loop of a worker process: Celery's tasks are blocking functions, our connections live on a loop.

Made on first use (after a fork, if any), in a daemon thread, and living as long as the process, so that connections to Redis
and the venues are opened once and not once per task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

T = TypeVar("T")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def event_loop() -> asyncio.AbstractEventLoop:
    """The process' loop, running."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = _new_loop()
            threading.Thread(target=_loop.run_forever, name="quoting-loop", daemon=True).start()
        return _loop


def run(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """Run on the loop and wait for the result; cancelled and TimeoutError after `timeout_s`."""
    future = asyncio.run_coroutine_threadsafe(coroutine, event_loop())
    try:
        return future.result(timeout_s)
    except FutureTimeout:
        future.cancel()
        raise


def stop(timeout_s: float = 5.0) -> None:
    """End the loop; whoever put connections on it has closed them before."""
    global _loop
    with _lock:
        loop, _loop = _loop, None
    if loop is not None and not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
