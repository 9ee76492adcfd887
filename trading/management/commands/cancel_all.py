"""Cancel every own order on every venue."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.clock import SystemClock
from trading.orders.cancel_all import cancel_all
from trading.registry.selectors import active_markets
from trading.venues.factory import open_venue


class Command(BaseCommand):
    help = (
        "Cancels every own order on every venue, repeated until the venues show none. Trading states stay as they are: "
        "running workers quote again; pause first (manage.py controls) if they shall not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=float, default=5.0, help="seconds for each account (default 5)")
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        results = asyncio.run(cancel_all(active_markets(), open_venue, SystemClock(), timeout_s=options["timeout"]))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(result) for result in results]))
        else:
            for result in results:
                what = result.problem or "none rests"
                self.stdout.write(f"{result.account}: {result.cancelled} cancelled, {what}")
        if any(result.problem for result in results):
            raise CommandError("not every venue confirmed that nothing rests (see above)")
