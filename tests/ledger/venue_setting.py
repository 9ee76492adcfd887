"""A running sandbox venue with our account on it, and the ledger behind: for tests of the two against each other."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal as D

from django.db import connection

from tests.ledger.desk import NOW, view
from trading.clock import FakeClock, SystemClock, to_datetime
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.incoming import AccountMarkets, raw_fill
from trading.hot_state.market import beat_sync
from trading.hot_state.orders import apply_venue_order
from trading.hot_state.values import RawFill
from trading.ledger.consumer import LedgerConsumer
from trading.ledger.reconciliation import Reconciler
from trading.ledger.reports import AccountReport
from trading.market_data.database import committed_cursor
from trading.market_data.history_poll import HistoryPoll
from trading.models import Order
from trading.registry.selectors import MarketRef, active_markets
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordDepth, RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.factory import open_venue
from trading.venues.interface import OrderRequest, Side, Venue

NAME = "m1b0e1c1"
DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
BOOKS = {
    "dex": RecordDepth(0, ((D("0.2693"), D(500)),), ((D("0.2694"), D(500)),), True),
    "cex": RecordDepth(0, ((D("3.1"), D(50)),), ((D("3.101"), D(50)),), True),
}
# market, price of our bid, size, base deposited, what one fill of 40 leaves: base and quote at the venue
WALKS = {
    # fee 0.00005 of 40 * 0.26935 in USDT
    "dex": (DEX, D("0.26935"), D(100), D(200000), D("200040"), D("100000") - D("10.774") - D("0.0005387")),
    # fee 0.00008 of 40 in GRAM
    "cex": (CEX, D("3.1005"), D(45), D(20000), D("20039.9968"), D("50000") - D("124.02")),
}


class HastyClock(FakeClock):
    """A second and a half passes whenever somebody looks: five seconds of patience take no five seconds."""

    def monotonic_s(self) -> float:
        self.advance(1.5)
        return super().monotonic_s()


class Setting:
    """One running venue, our account on it, and the ledger behind."""

    def __init__(self, sandbox: RunningVenue, venue: Venue, refs: dict[str, MarketRef], account: str) -> None:
        self.sandbox, self.venue, self.refs, self.account = sandbox, venue, refs, account
        self.clock = HastyClock(time.time_ns())

    async def buy(self, market: str, price: D, size: D) -> None:
        """As the orders room does it: the row first, then the order, then the hot state."""
        Order.objects.create(
            client_order_id=NAME, market_id=self.refs[market].id, side="buy", epoch=1, price=price, size=size,
            status="LIVE", parameter_version=1, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        order = await self.venue.submit_order(OrderRequest(market, Side.BUY, price, size, NAME))
        client = async_client()
        await apply_venue_order(client, market, order, time.time_ns())
        await client.aclose()

    def trade(self, price: D, size: D) -> None:
        self.sandbox.play(RecordTrade(0, RecordSide.SELL, price, size))

    def now(self) -> datetime:
        return to_datetime(self.clock.now_ns())

    async def poll(self) -> None:
        client = async_client()

        async def cursor(account: str, channel: str) -> str:
            return committed_cursor(account, channel)

        await HistoryPoll(
            self.venue, AccountMarkets.of(self.refs.values()), client, SystemClock(), cursor, lambda *_: None
        ).poll()
        await client.aclose()

    def book(self) -> None:
        consumer = LedgerConsumer(self.clock, FakeStop())
        inbox.ensure_group(sync_client())
        while consumer.step():
            pass
        # The hasty clock runs away from the beat of a process that does not go on beating.
        beat_sync("ledger", self.clock.now_ns() + 600 * 10**9)

    async def catch_up(self) -> None:
        await self.poll()
        self.book()

    async def raw_fills(self) -> list[RawFill]:
        """All fills of the venue's history as they come into the inbox."""
        markets = AccountMarkets.of(self.refs.values())
        return [
            raw_fill(fill, markets, "stream", time.time_ns()) for fill in await self.venue.fetch_my_trades(None, "")
        ]

    def append(self, *fills: RawFill) -> None:
        for fill in fills:
            inbox.append_fill(sync_client(), fill)

    async def reconcile(self, *, full: bool = True) -> AccountReport:
        with ThreadPoolExecutor(1) as database:
            try:
                reconciler = Reconciler(self.clock, database)
                return await reconciler.reconcile_account(self.venue, self.account, "test", full=full)
            finally:
                database.submit(connection.close)


class FakeStop:
    """A stop signal that is never set and never waits."""

    def is_set(self) -> bool:
        return False

    def wait(self, _: float) -> bool:
        return False


def environ(name: str, sandbox: RunningVenue) -> dict[str, str]:
    prefix = f"VENUE_{name.upper()}"
    return {
        "PATH": os.environ["PATH"],
        f"{prefix}_URL": sandbox.base_url,
        f"{prefix}_DESK_KEY_ID": sandbox.key_id,
        f"{prefix}_DESK_SECRET": sandbox.secret,
        f"{prefix}_DESK_PASSPHRASE": sandbox.passphrase,
    }


@asynccontextmanager
async def setting(name: str = "dex") -> AsyncIterator[Setting]:
    """A venue with the demonstration's deposits, and references for the transfers in kind."""
    references = {DEX: "0.26935", CEX: "3.1005"}
    for slug, price in references.items():
        sync_client().set(keys.market_view(slug), encode(view(slug, price, time.time_ns())))
    for process in ("ledger", "market_data"):
        beat_sync(process, time.time_ns() + 600 * 10**9)
    account = f"{name}-desk"
    refs = [ref for ref in active_markets() if ref.account == account]
    async with running_venue(name) as sandbox:
        sandbox.play(BOOKS[name])
        venue = open_venue(refs, account, SystemClock(), environ=environ(name, sandbox))
        await venue.open()
        try:
            yield Setting(sandbox, venue, {ref.slug: ref for ref in refs}, account)
        finally:
            await venue.close()
