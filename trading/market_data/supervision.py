"""A child that fails is counted, told, and started again after a pause; it never takes its siblings along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from trading.clock import Clock

log = structlog.get_logger(__name__)

CANCEL_AGAIN_S = 0.4
CANCEL_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause before a restart: `first_s`, doubling up to `longest_s`; a life of `healthy_s` forgives."""

    first_s: float = 0.25
    longest_s: float = 15.0
    healthy_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        return min(self.longest_s, self.first_s * 2 ** min(failures, 20))


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait `seconds` or until `stop`, whichever comes first; whether `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    return stop.is_set()


async def keep_running(
    name: str,
    child: Callable[[], Awaitable[None]],
    *,
    stop: asyncio.Event,
    clock: Clock,
    backoff: Backoff,
    on_failure: Callable[[Exception | None], None],
) -> None:
    """Run `child` until `stop`, again when it raises or ends; `on_failure` hears of each time (None: it just ended)."""
    failures = 0
    while not stop.is_set():
        began_s = clock.monotonic_s()
        error: Exception | None = None
        try:
            await _run_cancellable(child)
        except Exception as problem:
            error = problem
        if stop.is_set():
            return
        if clock.monotonic_s() - began_s >= backoff.healthy_s:
            failures = 0
        pause_s = backoff.pause_s(failures)
        failures += 1
        cause = root_cause(error)
        kind = type(cause).__name__ if cause else "ended"
        log.warning("child_restarts", child=name, problem=kind, detail=str(cause or "")[:300], pause_s=pause_s)
        on_failure(error)
        await pause(stop, pause_s)


async def _run_cancellable(child: Callable[[], Awaitable[None]]) -> None:
    """Await `child`; a cancellation is repeated until it is obeyed, for a library below may swallow one."""
    task = asyncio.ensure_future(child())
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        for _ in range(CANCEL_ATTEMPTS):
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
            if done:
                break
        raise
    if not task.cancelled():
        task.result()


def root_cause(error: Exception | None) -> Exception | None:
    """The first failure in a task group's failure."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
