"""`manage.py relay`: publishes events, writes decisions, pushes live states; one thread each."""

from __future__ import annotations

import signal
import threading
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand

from trading.clock import SystemClock
from trading.events import relay
from trading.events.loops import Loop, loop_of, run_side_by_side

COMPANIONS = ("trading.quoting.decision_writer", "trading.events.live")


class Command(BaseCommand):
    help = "Publish the outbox, write decisions and push live states, until SIGTERM or SIGINT."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        clock = SystemClock()
        loops = [Loop("relay", partial(relay.run, clock=clock)), *(loop_of(name) for name in COMPANIONS)]
        run_side_by_side(loops, stop, clock)
