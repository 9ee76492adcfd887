"""A venue per test, in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk, open_market
from tests.sandbox.server.engines import DCT, engine
from trading.sandbox.server.testing import RunningVenue, running_venue


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    with engine(tmp_path, DCT, 200_000, 100_000) as exchange:
        async with running_venue("dex", exchange=exchange) as running:
            open_market(running)
            yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


@pytest.fixture
def desk(venue: RunningVenue, http: aiohttp.ClientSession) -> Desk:
    return Desk(http, venue)
