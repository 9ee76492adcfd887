"""`manage.py ledger`: the process that books what the inbox holds."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.clock import SystemClock
from trading.ledger.consumer import PROCESS, LedgerConsumer
from trading.ledger.persist import persist_before_stop


class Command(BaseCommand):
    help = "Book fills, transfers and cursor moves from the inbox, until SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default=PROCESS, help="Name within the consumer group; one per process.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        LedgerConsumer(SystemClock(), stop, options["name"]).run()
        persist_before_stop(SystemClock())
