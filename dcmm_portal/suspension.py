"""Noticing that this process stood still: stopped by a signal, starved of the processor, or its machine suspended.

Leases, deadlines and the venues' timers are measured on clocks that go on meanwhile, so nothing depends on this. It tells people
why a market fell silent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 0.5
# Longer than a busy machine keeps a thread waiting.
STOOD_STILL_S = 2.0


def watch_suspension(process: str, stop: threading.Event, clock_s: Callable[[], float] = time.monotonic) -> None:
    """Look at the clock every `LOOK_EVERY_S` until `stop`; a gap longer than `STOOD_STILL_S` is told as a warning."""
    last_s = clock_s()
    while not stop.wait(LOOK_EVERY_S):
        now_s = clock_s()
        if now_s - last_s > STOOD_STILL_S:
            log.warning("process_stood_still", process=process, seconds=round(now_s - last_s, 1))
        last_s = now_s


def start_watching(process: str) -> None:
    """Watch in a thread of its own, which ends with the process."""
    arguments = (process, threading.Event())
    threading.Thread(target=watch_suspension, args=arguments, name="suspension", daemon=True).start()
