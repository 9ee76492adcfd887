"""The ledger against real venues through their adapters: one fill's walk, and every way in which the two can disagree."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.ledger.desk import NOW, view
from tests.support.demo import declare_two_markets
from trading.clock import FakeClock, SystemClock
from trading.controls.selectors import effective_state
from trading.events.relay import Relay
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.incoming import AccountMarkets, raw_fill
from trading.hot_state.market import beat_sync
from trading.hot_state.orders import apply_venue_order
from trading.ledger.comparison import compare, notes
from trading.ledger.consumer import LedgerConsumer
from trading.ledger.own_books import OwnBooks, read_own_books
from trading.ledger.reconciliation import AccountReport, Reconciler, as_report, readable, store_report
from trading.ledger.venue_books import new_books, read_on
from trading.market_data.database import committed_cursor
from trading.market_data.history_poll import HistoryPoll
from trading.models import CashBalance, Event, Fill, Lock, Order, ReconciliationReport, VenueCursor
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


@pytest.fixture
def demo(committed_db: None) -> Iterator[None]:
    declare_two_markets(NOW)
    yield


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

    async def reconcile(self, *, full: bool = True) -> AccountReport:
        with ThreadPoolExecutor(1) as database:
            try:
                reconciler = Reconciler(self.clock, database)
                return await reconciler.reconcile_account(self.venue, self.account, "test", full=full)
            finally:
                database.submit(connection.close)


def relay_everything() -> None:
    relay = Relay(SystemClock())
    while relay.publish_some():
        pass
    relay.close()
    connection.close()


def own_books_of(account: str) -> OwnBooks:
    try:
        return read_own_books(account, None)
    finally:
        connection.close()


def stored(report: AccountReport) -> None:
    try:
        store_report(report, "test", NOW)
    finally:
        connection.close()


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


@pytest.mark.parametrize("name", ["dex", "cex"])
async def test_the_walk_of_one_fill(demo: None, name: str) -> None:
    market, price, size, deposit, base, quote = WALKS[name]
    async with setting(name) as here:
        await here.buy(market, price, size)
        here.trade(price, D(40))
        await here.catch_up()
        report = await here.reconcile()
        assert report.equal, report.differences
        (compared,) = [each for each in report.markets if each.slug == market]
        assert (compared.slug, compared.venue_fills, compared.ledger_fills) == (market, 1, 1)
        assert compared.venue_position == compared.ledger_position == base
        fill = Fill.objects.get()
        assert (fill.side, fill.price, fill.size, fill.maker, fill.client_order_id) == (
            "buy",
            price,
            40,
            True,
            "m1b0e1c1",
        )
        balances = dict(CashBalance.objects.filter(account__slug=here.account).values_list("asset_id", "amount"))
        assert balances == {here.refs[market].base: base, "usdt": quote}
        assert inbox.hot_inventory_sync(market).q == base
        await asyncio.to_thread(relay_everything)
        published = [json.loads(fields[b"event"]) for _, fields in sync_client().xrange(keys.EVENT_STREAM)]
        (told,) = [event for event in published if event["type"] == "fill.booked"]
        assert (told["aggregate"], told["payload"]["size"]) == (f"market:{market}", "40")
        assert deposit == base - 40 + (fill.fee if name == "cex" else 0)


async def test_repeated_and_reordered_sources_change_nothing(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, size)
        for _ in range(5):
            here.trade(price, D(10))
        fills = await here.venue.fetch_my_trades(None, "")
        assert len(fills) == 5
        for fill in [*reversed(fills), *fills]:
            inbox.append_fill(
                sync_client(), raw_fill(fill, AccountMarkets.of(here.refs.values()), "stream", time.time_ns())
            )
        here.book()
        await here.catch_up()
        VenueCursor.objects.update(cursor="")  # the history is read again from its beginning
        await here.catch_up()
        report = await here.reconcile()
        assert report.equal, report.differences
        assert report.markets[0].ledger_fills == Fill.objects.count() == 5


async def test_the_ledger_may_catch_up_while_it_is_waited_for(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, size)
        here.trade(price, D(40))
        here.clock = FakeClock(time.time_ns())
        comparing = asyncio.create_task(here.reconcile())
        async with asyncio.timeout(60):
            while not sync_client().llen(keys.poll_request("dex-desk")):
                await asyncio.sleep(0.01)
        await here.catch_up()
        report = await comparing
        assert report.equal, report.differences


async def test_a_fill_that_the_ledger_lacks_is_named_and_sets_reducing(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        report = await here.reconcile()
        kinds = {each.kind for each in report.differences}
        assert (report.equal, kinds) == (False, {"fill_missing", "balance_differs", "position_differs"})
        assert (report.markets[0].venue_fills, report.markets[0].ledger_fills) == (1, 0)
        assert (report.markets[0].venue_position, report.markets[0].ledger_position) == (200040, 200000)
        lock = Lock.objects.get()
        assert (lock.scope, lock.rule, lock.state) == (market, "reconciliation", "REDUCING")
        assert "the ledger has not" in lock.reason
        assert effective_state(market, NOW)[0] == "reducing"
        assert effective_state(CEX, NOW)[0] == "active"
        row = ReconciliationReport.objects.get()
        assert (row.equal, row.trigger, row.watermark) == (False, "test", report.watermark)
        event = Event.objects.get(type="reconciliation.unexplained")
        assert "buy 40 @ 0.26935" in json.dumps(row.differences)
        assert "differences between ledger and venue" in event.payload["report"]
        shape = as_report([report], [])
        assert shape["equal"] is False
        assert shape["markets"][0] | {"slug": market} == {
            "slug": market, "venue_fills": 1, "ledger_fills": 0, "venue_position": "200040", "ledger_position": "200000",
        }  # fmt: skip


async def test_what_is_only_late_is_reported_and_locked_the_second_time(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        sync_client().delete(keys.heartbeat("ledger"))
        await here.buy(market, price, size)
        here.trade(price, D(40))
        first = await here.reconcile()
        assert (first.equal, first.unexplained, Lock.objects.count()) == (False, (), 0)
        assert Event.objects.filter(type="reconciliation.late").count() == 1
        second = await here.reconcile()
        assert (len(second.unexplained) > 0, Lock.objects.count()) == (True, 1)


async def test_a_fill_that_the_venue_never_had(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, size)
        here.trade(price, D(40))
        await here.catch_up()
        (fill,) = await here.venue.fetch_my_trades(None, "")
        invented = raw_fill(fill, AccountMarkets.of(here.refs.values()), "stream", time.time_ns())
        changed = {name: getattr(invented, name) for name in invented.__slots__} | {"trade_id": "invented"}
        inbox.append_fill(sync_client(), type(invented)(**changed))
        here.book()
        report = await here.reconcile()
        assert {each.kind for each in report.differences} == {"fill_extra", "balance_differs", "position_differs"}


async def test_money_that_nobody_booked(demo: None) -> None:
    async with setting() as here:
        await here.catch_up()
        here.sandbox.exchange.deposit("desk", "USDT", D("7.5"), here.sandbox.clock.engine_ns())
        report = await here.reconcile()
        assert {each.kind for each in report.differences} == {"transfer_differs", "balance_differs"}
        (balance,) = [each for each in report.differences if each.kind == "balance_differs"]
        assert balance.message == "the venue holds 100007.5 usdt, the ledger 100000: 7.5 unexplained"
        assert Lock.objects.get().scope == DEX


async def test_an_asset_that_nobody_trades_is_noted_and_locks_nothing(demo: None) -> None:
    async with setting() as here:
        await here.catch_up()
        books = new_books("")
        await read_on(here.venue, books)
        books.balances["dust"] = D("12.5")
        own = await asyncio.to_thread(own_books_of, here.account)
        assert compare(books, own) == []
        (note,) = notes(books, own)
        assert (note.kind, note.subject) == ("foreign_asset", "dust")
        report = AccountReport(here.account, True, (), (), (), "", 1.0, (note,))
        await asyncio.to_thread(stored, report)
        assert "Note: the account holds 12.5 dust" in readable(report)
        row = ReconciliationReport.objects.get()
        assert (row.equal, [each["kind"] for each in row.differences]) == (True, ["foreign_asset"])
        assert (Lock.objects.count(), as_report([report], [])["equal"]) == (0, True)
        assert [each["subject"] for each in as_report([report], [])["notes"]] == ["dust"]


async def test_an_order_that_we_do_not_know(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.venue.submit_order(OrderRequest(market, Side.BUY, price, size, "stranger1"))
        report = await here.reconcile()
        assert [(each.kind, each.subject) for each in report.differences] == [("order_unknown", "stranger1")]
        assert Lock.objects.get().scope == market


async def test_a_window_compares_what_came_since_an_equal_reading(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, size)
        here.trade(price, D(40))
        await here.catch_up()
        assert (await here.reconcile()).equal
        here.clock.advance(700)
        here.trade(price, D(10))
        await here.catch_up()
        report = await here.reconcile(full=False)
        assert report.equal, report.differences
        assert (report.markets[0].venue_fills, report.markets[0].ledger_fills) == (1, 1)


def test_the_command_says_what_it_could_not_compare(demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEX", "CEX"):
        monkeypatch.setenv(f"VENUE_{name}_URL", "http://127.0.0.1:1")
    out = StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("reconcile", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (stopped.value.returncode, told["equal"], told["markets"]) == (1, False, [])
    assert "VENUE_DEX_DESK_KEY_ID" in out.getvalue()
