"""`manage.py watchdog`: the dead man's switch of every account and the clearing of halted markets, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import uvloop
from django.core.management.base import BaseCommand

from trading.clock import SystemClock
from trading.hot_state.connection import async_client
from trading.orders.watchdog_service import WatchdogService
from trading.venues.factory import open_venue


class Command(BaseCommand):
    help = "Keeps the venues' dead man's switches armed while markets are looked after, and takes orders off halted markets."

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(_serve())


async def _serve() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    client = async_client()
    try:
        await WatchdogService(client, SystemClock(), open_venue).run(stop)
    finally:
        await client.aclose()
