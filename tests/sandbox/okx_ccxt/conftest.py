"""Unmodified ccxt clients, pointed at a venue of this test by URL only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import ccxt.pro
import pytest

from tests.sandbox.server.engines import GRAM, engine
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordDepth, RecordTrade, Side

SYMBOL = "GRAM/USDT"


def open_market(venue: RunningVenue, bid: str = "1.2690", ask: str = "1.2700") -> None:
    venue.play(RecordDepth(0, ((Decimal(bid), Decimal(500)),), ((Decimal(ask), Decimal(500)),), snapshot=True))


def sell_through(venue: RunningVenue, price: str, size: str) -> None:
    venue.play(RecordTrade(0, Side.SELL, Decimal(price), Decimal(size)))


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    with engine(tmp_path, GRAM, 20_000, 50_000) as exchange:
        async with running_venue("cex", exchange=exchange) as running:
            open_market(running)
            yield running


@pytest.fixture
async def connect(venue: RunningVenue) -> AsyncIterator[Callable[..., ccxt.pro.okx]]:
    clients: list[ccxt.pro.okx] = []

    def make(**options: object) -> ccxt.pro.okx:
        settings = {
            "apiKey": venue.key_id,
            "secret": venue.secret,
            "password": venue.passphrase,
            "enableRateLimit": False,
            "timeout_on_exit": 0,  # ms that close() sleeps at its end
            "urls": {"api": {"rest": venue.base_url, "ws": venue.ws_url}},
            **options,
        }
        client = ccxt.pro.okx(settings)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def okx(connect: Callable[..., ccxt.pro.okx]) -> ccxt.pro.okx:
    return connect()
