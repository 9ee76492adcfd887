"""The kill switch against real venues: how often they are asked is bounded, and so is what a kill takes. No timing here: the
figures are measured by bench/kill_switch.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.db import connection

from tests.ledger.desk import NOW
from tests.ledger.venue_setting import environ
from trading.clock import FakeClock, SystemClock
from trading.controls.commands import Actor
from trading.controls.kill import KillResult, MarketCleared, kill_switch
from trading.hot_state.connection import async_client
from trading.models import TradingControl
from trading.orders.watchdog import LOOK_EVERY_S, READ_WAITED_FOR_S, Watchdog
from trading.registry.selectors import MarketRef, active_markets
from trading.registry.services import declare_demo_desk
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import OrderType, PlaceOrder, Side
from trading.venues.factory import open_venue

OPERATOR = Actor("7", "Ope Rator", frozenset({"operator"}))
MARKETS = {"dex": ("DCT/USDT", D("0.2"), D(100)), "cex": ("GRAM/USDT", D(3), D(1))}


@pytest.fixture
def demo(committed_db: None, valkey: str) -> None:
    declare_demo_desk(NOW)


@dataclass
class Setting:
    sandbox: RunningVenue
    market: MarketRef
    dog: Watchdog
    clock: FakeClock

    def rest(self, count: int) -> None:
        symbol, price, size = MARKETS[self.market.venue]
        for number in range(count):
            order = PlaceOrder(symbol, Side.BUY, OrderType.LIMIT, price, size, f"m1b0e1c{number}")
            self.sandbox.exchange.place("desk", order, self.sandbox.clock.engine_ns())

    def resting(self) -> int:
        return len(self.sandbox.exchange.open_orders("desk"))

    def requests(self) -> int:
        """How many requests the venue has counted: a delay of nothing strikes each of them."""
        return int(self.sandbox.faults.status()["applied"].get("latency", 0))

    def kill(self, sleep: Callable[[float], None]) -> KillResult:
        """On a thread of its own, as every door calls it; `sleep` is what happens while it waits."""
        waited = Waited(sleep)
        try:
            return kill_switch(
                self.market.slug, actor=OPERATOR, reason="an exercise", idempotency_key="k-1", now=datetime.now(UTC),
                cancel_directly=lambda _: pytest.fail("the watchdog was quick enough"),
                monotonic_s=lambda: waited.now_s, sleep=waited,
            )  # fmt: skip
        finally:
            connection.close()


class Waited:
    def __init__(self, during: Callable[[float], None]) -> None:
        self.now_s, self._during = 0.0, during

    def __call__(self, seconds: float) -> None:
        self.now_s += seconds
        self._during(seconds)


@asynccontextmanager
async def setting(name: str, rate_scale: float = 1.0) -> AsyncIterator[Setting]:
    refs = [ref for ref in active_markets() if ref.account == f"{name}-desk"]
    clock, client = FakeClock(), async_client()
    async with running_venue(name, rate_scale=rate_scale) as sandbox:
        venue = open_venue(refs, f"{name}-desk", SystemClock(), environ=environ(name, sandbox))
        await venue.open()
        dog = Watchdog(venue, refs, client, SystemClock(), "test")
        try:
            yield Setting(sandbox, refs[0], dog, clock)
        finally:
            dog.database.close()
            await venue.close()
            await client.aclose()


# One request takes everything on the DEX, one shows that none is left. The CEX: its list in two pages, batches of 20, the list
# again within `cancel_all` and once more by the watchdog.
@pytest.mark.parametrize(("name", "count", "most"), [("dex", 100, 2), ("cex", 100, 2 + 5 + 2), ("dex", 1000, 2)])
async def test_one_round_of_the_watchdog_takes_everything_off(demo: None, name: str, count: int, most: int) -> None:
    async with setting(name) as here:
        await here.dog.look()
        here.rest(count)
        here.sandbox.faults.add(FaultRule(FaultKind.LATENCY))
        TradingControl.objects.filter(scope=here.market.slug).update(state="HALTED")
        here.dog._states_at_s = float("-inf")  # half a second later
        await here.dog.look()
        assert (here.resting(), here.requests() <= most) == (0, True), here.requests()
        assert here.sandbox.venue.throttle.refused == 0  # within the venue's published limits


async def test_a_thousand_orders_take_as_many_requests_as_batches(demo: None) -> None:
    async with setting("cex", rate_scale=10.0) as here:
        here.rest(1000)
        here.sandbox.faults.add(FaultRule(FaultKind.LATENCY))
        TradingControl.objects.filter(scope=here.market.slug).update(state="HALTED")
        for _ in range(40):
            if not here.resting():
                break
            here.dog._halted.clear()  # due at once
            await here.dog.look()
        batches = 1000 // 20
        assert (here.resting(), here.requests() <= 2 * batches) == (0, True), here.requests()


@pytest.mark.parametrize("name", ["dex", "cex"])
async def test_a_kill_of_a_hundred_orders_ends_within_one_look_of_the_watchdog(demo: None, name: str) -> None:
    """The word goes through Redis, so that a look follows within a tenth of a second; after it nothing rests, and the command has
    read so. What it waits for is that look, not a schedule."""
    async with setting(name) as here:
        here.rest(100)
        await here.dog.look()  # the states of PostgreSQL are read now, and not again within this test
        assert here.resting() == 100
        loop, looks = asyncio.get_running_loop(), []

        def during(_: float) -> None:
            looks.append(1)
            asyncio.run_coroutine_threadsafe(here.dog.look(), loop).result(20)

        result = await asyncio.to_thread(here.kill, during)
        assert result.markets == (MarketCleared(here.market.slug, 100, 0, "watchdog"),)
        assert (here.resting(), len(looks), result.is_clear) == (0, 1, True)
        assert LOOK_EVERY_S + READ_WAITED_FOR_S < 0.5  # what comes before the requests, of the two seconds
