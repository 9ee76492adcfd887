"""Cancel every own order on every venue."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.clock import SystemClock
from trading.orders.cancel_all import AccountCancelled, cancel_all
from trading.registry.selectors import MarketRef, active_markets
from trading.venues.factory import open_venue


class Command(BaseCommand):
    help = (
        "Cancels every own order on every venue, repeated until the venues show none. Trading states stay as they are: "
        "running workers quote again; pause first (manage.py controls) if they shall not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=float, default=5.0, help="seconds for each account (default 5)")
        parser.add_argument(
            "--on-line", action="store_true", help="get ready, then wait for a line on standard input before cancelling"
        )
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        results = asyncio.run(_run(active_markets(), options["timeout"], wait_for_line=options["on_line"]))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(result) for result in results]))
        else:
            for result in results:
                what = result.problem or "none rests"
                self.stdout.write(f"{result.account}: {result.cancelled} cancelled, {what}")
        if any(result.problem for result in results):
            raise CommandError("not every venue confirmed that nothing rests (see above)")


async def _run(markets: Sequence[MarketRef], timeout_s: float, *, wait_for_line: bool) -> tuple[AccountCancelled, ...]:
    if not wait_for_line:
        return await cancel_all(markets, open_venue, SystemClock(), timeout_s=timeout_s)
    go = asyncio.Event()
    work = asyncio.create_task(cancel_all(markets, open_venue, SystemClock(), timeout_s=timeout_s, go=go))
    await asyncio.to_thread(sys.stdin.readline)  # an end of input counts as the word, too
    go.set()
    return await work
