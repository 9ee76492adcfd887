"""The loops that live in the relay's process, each on a thread of its own, started again after a pause when one fails."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import connection

from trading.clock import Clock

log = structlog.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
HEALTHY_AFTER_S = 30.0
STOP_WITHIN_S = 8.0
STOP_POLL_S = 0.1

Work = Callable[[threading.Event], None]


@dataclass(frozen=True, slots=True)
class Loop:
    """A named loop; `work` returns when its stop signal is set, or raises."""

    name: str
    work: Work


def keep_running(loop: Loop, stop: threading.Event, clock: Clock) -> None:
    """Run `loop` until `stop`; whatever it raises, and when it ends by itself, it is started again after a pause."""
    failures = 0
    while not stop.is_set():
        began_s = clock.monotonic_s()
        try:
            loop.work(stop)
            problem = "ended by itself"
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:300]
        finally:
            connection.close()
        if stop.is_set():
            return
        failures = 0 if clock.monotonic_s() - began_s >= HEALTHY_AFTER_S else failures
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
        failures += 1
        log.warning("loop_restarts", loop=loop.name, problem=problem, pause_s=pause_s)
        stop.wait(pause_s)


def run_side_by_side(loops: list[Loop], stop: threading.Event, clock: Clock) -> bool:
    """Run all loops until `stop`, then wait for them; False if one did not end in time (it dies with the process)."""
    threads = [
        threading.Thread(target=keep_running, args=(loop, stop, clock), name=loop.name, daemon=True) for loop in loops
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    deadline_s = clock.monotonic_s() + STOP_WITHIN_S
    for thread in threads:
        thread.join(max(0.0, deadline_s - clock.monotonic_s()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        log.error("loops_not_stopped", loops=late)
    return not late


def loop_of(module_name: str) -> Loop:
    """The loop `run(stop)` of a module, plain or coroutine; the module is imported when the loop first starts."""
    return Loop(module_name.rsplit(".", 1)[-1], partial(_run_module, module_name))


def _run_module(module_name: str, stop: threading.Event) -> None:
    run = importlib.import_module(module_name).run
    if inspect.iscoroutinefunction(run):
        asyncio.run(_until_stopped(run, stop))
    else:
        run(stop)


async def _until_stopped(run: Callable[[asyncio.Event], Coroutine[None, None, None]], stop: threading.Event) -> None:
    """A coroutine loop with a stop signal of its own event loop, set when the thread's is."""
    stopped = asyncio.Event()
    working = asyncio.ensure_future(run(stopped))
    while not working.done():
        await asyncio.wait([working], timeout=STOP_POLL_S)
        if stop.is_set():
            stopped.set()
    await working
