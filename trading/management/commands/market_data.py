"""`manage.py market_data`: the market data service, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand

from trading.clock import SystemClock
from trading.hot_state.connection import async_client
from trading.market_data.recorder import RecorderPolicy
from trading.market_data.service import MarketDataService
from trading.venues.factory import open_venue


class Command(BaseCommand):
    help = "Follows every active market's feed and our accounts: market views, balances, own fills, records."

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(_serve())


async def _serve() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    policy = _recorder_policy() if settings.RECORDER_ENABLED else None
    client = async_client()
    try:
        await MarketDataService(client, SystemClock(), open_venue, recorder=policy).run(stop)
    finally:
        await client.aclose()


def _recorder_policy() -> RecorderPolicy:
    return RecorderPolicy(
        settings.DATA_DIRECTORY / "records",
        keep_s=settings.RECORDER_KEEP_DAYS * 86_400,
        keep_bytes=int(settings.RECORDER_KEEP_MB * 1_000_000),
    )
