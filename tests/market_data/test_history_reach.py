"""What the venue can still tell: an alarm before an outage outlasts it, and polls that leave the inbox its room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.market_data.scripted_venue import fill
from tests.market_data.test_history_poll import HOUR, REF, Poll, numbers
from trading import metrics
from trading.clock import FakeClock
from trading.hot_state import inbox
from trading.hot_state.connection import async_client, sync_client
from trading.market_data.history_reach import HistoryReach
from trading.models import Event
from trading.venues.ccxt_okx.adapter import CcxtOkxVenue
from trading.venues.interface import Capabilities, VenueKind
from trading.venues.ton_dex.adapter import TonDexVenue

BOUNDED = Capabilities(VenueKind.ORDER_BOOK, True, True, True, True, True, 1000.0, 100)
UNBOUNDED = Capabilities(VenueKind.ORDER_BOOK, True, True, True, True, True)


@pytest.fixture
async def at(valkey: str) -> AsyncIterator[Poll]:
    client = async_client()
    yield Poll(client, REF)
    await client.aclose()


def measured() -> float:
    return metrics.HISTORY_REACH_USED.labels("dex-desk")._value.get()


def test_what_the_adapters_declare() -> None:
    assert (CcxtOkxVenue.capabilities.history_retention_s, CcxtOkxVenue.capabilities.history_retention_fills) == (
        259_200,
        20_000,
    )
    assert (TonDexVenue.capabilities.history_retention_s, TonDexVenue.capabilities.history_retention_fills) == (
        None,
        None,
    )


@pytest.mark.django_db
def test_an_outage_near_the_reach_is_told_once_in_time_or_number(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    reach = HistoryReach("dex-desk", clock)
    reach.read(3, clock.now_ns())
    clock.advance(799)
    reach.look(BOUNDED)
    assert (measured(), "history_retention_near" in caplog.text) == (0.799, False)
    clock.advance(1)
    reach.look(BOUNDED)
    reach.look(BOUNDED)
    assert caplog.text.count("history_retention_near") == 1
    reach.tell()
    reach.tell()
    event = Event.objects.get(type="history.retention_near")
    assert (event.aggregate, event.payload["used"], event.payload["fills_behind"]) == ("account:dex-desk", 0.8, 3)
    reach.read(0, clock.now_ns())
    reach.look(BOUNDED)
    assert measured() == 0
    for _ in range(80):
        reach.told()
    reach.look(BOUNDED)
    reach.tell()
    assert (measured(), Event.objects.filter(type="history.retention_near").count()) == (0.8, 2)


def test_a_venue_without_a_bound_never_comes_near_it() -> None:
    clock = FakeClock()
    reach = HistoryReach("dex-desk", clock)
    clock.advance(10**7)
    assert reach.used(UNBOUNDED) == 0


async def test_a_poll_tells_how_far_the_committed_cursor_lies_behind(at: Poll) -> None:
    reach = HistoryReach("dex-desk", at.clock)
    at.poll._reach = reach
    at.venue.fills = [fill("m", number, at.clock.now_ns() - HOUR + number) for number in range(1, 61)]
    await at.poll.poll()
    assert reach.used(BOUNDED) == pytest.approx(3.6)
    at.committed["fills"] = "60"
    await at.poll.poll()
    assert reach.used(BOUNDED) == 0


async def test_a_poll_leaves_the_inbox_half_of_its_room(at: Poll, settings: Any) -> None:
    """The streams have nobody else to tell; what the history holds can be read again."""
    settings.INBOX_BOUND = 600
    reach = HistoryReach("dex-desk", at.clock)
    at.poll._reach = reach
    at.clock.advance(900)
    old = at.clock.now_ns() - HOUR
    at.venue.fills = [fill("m", number, old + number) for number in range(1, 1001)]
    assert await at.poll.poll() == 300
    assert inbox.inbox_length(sync_client()) == 303
    # What was not read to its end says nothing about how far behind the ledger is.
    assert reach.used(BOUNDED) == pytest.approx(0.9)
    assert await at.poll.poll() == 0
    read = at.inbox()
    assert numbers(read) == [f"t{number}" for number in range(1, 301)]
    at.committed["fills"] = "300"
    sync_client().flushdb()
    assert await at.poll.poll() == 300
