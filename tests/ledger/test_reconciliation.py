"""The ledger against real venues through their adapters: one fill's walk, and every way in which the two can disagree."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.ledger.desk import NOW
from tests.ledger.venue_setting import CEX, DEX, WALKS, Setting, setting
from trading.clock import FakeClock, SystemClock
from trading.controls.selectors import effective_state
from trading.events.relay import Relay
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.ledger.comparison import compare, notes
from trading.ledger.own_books import OwnBooks, Since, read_own_books
from trading.ledger.reports import AccountReport, as_report, readable, store_report, window_start
from trading.ledger.venue_books import VenueBooks, Watermark, new_books, read_on
from trading.models import CashBalance, CashMovement, Event, Fill, Lock, ReconciliationReport, VenueAccount, VenueCursor
from trading.venues.interface import OrderRequest, Side


def relay_everything() -> None:
    relay = Relay(SystemClock())
    while relay.publish_some():
        pass
    relay.close()
    connection.close()


def own_books_of(account: str) -> OwnBooks:
    try:
        return read_own_books(account, Since())
    finally:
        connection.close()


def stored(report: AccountReport) -> None:
    try:
        store_report(report, "test", NOW)
    finally:
        connection.close()


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
        fills = await here.raw_fills()
        assert len(fills) == 5
        here.append(*reversed(fills), *fills)
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


async def test_a_contradiction_is_named_and_sets_reducing(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        (fill,) = await here.raw_fills()
        here.append(replace(fill, size=D(30)))
        here.book()
        report = await here.reconcile()
        kinds = {each.kind for each in report.differences}
        assert (report.equal, kinds) == (False, {"fill_differs", "balance_differs", "position_differs"})
        assert report.repaired == ()
        assert (report.markets[0].venue_fills, report.markets[0].ledger_fills) == (1, 1)
        assert (report.markets[0].venue_position, report.markets[0].ledger_position) == (200040, 200030)
        lock = Lock.objects.get()
        assert (lock.scope, lock.rule, lock.state) == (market, "reconciliation", "REDUCING")
        assert "is buy 40 @ 0.26935 at the venue, buy 30 @ 0.26935 in the ledger" in lock.reason
        assert effective_state(market, NOW)[0] == "reducing"
        assert effective_state(CEX, NOW)[0] == "active"
        row = ReconciliationReport.objects.get()
        assert (row.equal, row.trigger, row.watermark) == (False, "test", report.watermark.fills)
        event = Event.objects.get(type="reconciliation.unexplained")
        assert "buy 40 @ 0.26935" in json.dumps(row.differences)
        assert "differences between ledger and venue" in event.payload["report"]
        shape = as_report([report], [])
        assert shape["equal"] is False
        assert shape["markets"][0] | {"slug": market} == {
            "slug": market, "venue_fills": 1, "ledger_fills": 1, "venue_position": "200040", "ledger_position": "200030",
        }  # fmt: skip


async def test_a_fill_that_the_venue_never_had(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, size)
        here.trade(price, D(40))
        await here.catch_up()
        (fill,) = await here.raw_fills()
        here.append(replace(fill, trade_id="invented"))
        here.book()
        report = await here.reconcile()
        assert {each.kind for each in report.differences} == {"fill_extra", "balance_differs", "position_differs"}
        # Young as it is, its money is missing at the venue: that needs no waiting for a list.
        assert {each.kind for each in report.unexplained} == {"balance_differs", "position_differs"}
        assert Lock.objects.get().scope == market
        here.clock.advance(61)
        report = await here.reconcile()
        assert {each.kind for each in report.unexplained} == {"fill_extra", "balance_differs", "position_differs"}
        assert Fill.objects.count() == 2  # nothing is ever taken out of the ledger


async def test_money_that_nothing_explains(demo: None) -> None:
    async with setting() as here:
        await here.catch_up()
        CashBalance.objects.filter(account__slug=here.account, asset_id="usdt").update(amount=D("99992.5"))
        report = await here.reconcile()
        assert {each.kind for each in report.differences} == {"balance_differs"}
        (balance,) = report.unexplained
        assert balance.message == "the venue holds 100000 usdt, the ledger 99992.5: 7.5 unexplained"
        assert Lock.objects.get().scope == DEX
        assert "7.5 unexplained" in Event.objects.get(type="reconciliation.unexplained").payload["report"]


async def test_an_asset_that_nobody_trades_is_noted_and_locks_nothing(demo: None) -> None:
    async with setting() as here:
        await here.catch_up()
        books = new_books(Watermark())
        await read_on(here.venue, books)
        books.balances["dust"] = D("12.5")
        own = await asyncio.to_thread(own_books_of, here.account)
        assert compare(books, own) == []
        (note,) = notes(books, own)
        assert (note.kind, note.subject) == ("foreign_asset", "dust")
        report = AccountReport(here.account, True, (), (), (), Watermark(), 1.0, (note,))
        await asyncio.to_thread(stored, report)
        assert "Note: the account holds 12.5 dust" in readable(report)
        row = ReconciliationReport.objects.get()
        assert (row.equal, [each["kind"] for each in row.differences]) == (True, ["foreign_asset"])
        assert (Lock.objects.count(), as_report([report], [])["equal"]) == (0, True)
        assert [each["subject"] for each in as_report([report], [])["notes"]] == ["dust"]


async def test_an_order_that_stays_unknown(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.venue.submit_order(OrderRequest(market, Side.BUY, price, size, "stranger1"))
        report = await here.reconcile()
        assert [(each.kind, each.subject) for each in report.differences] == [("order_unknown", "stranger1")]
        # Who sent it may be about to settle it: no limit counts it, so it closes when it is still there half a minute later.
        assert (report.unexplained, Lock.objects.count()) == ((), 0)
        here.clock.advance(31)
        assert len((await here.reconcile()).unexplained) == 1
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


async def test_a_window_that_leaves_something_over_is_followed_by_the_whole_history(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        equal_reading(here, await watermark_of(here))  # although the ledger lacks the fill before it
        report = await here.reconcile(full=False)
        assert (report.equal, [each.kind for each in report.repaired]) == (True, ["fill_missing"])
        assert (Fill.objects.count(), Lock.objects.count()) == (1, 0)


async def test_a_window_costs_the_same_whatever_lies_before_it(demo: None) -> None:
    market, price, *_ = WALKS["dex"]
    async with setting() as here:
        await here.buy(market, price, D(5000))
        for _ in range(120):
            here.trade(price, D(10))
        for number in range(120):
            here.sandbox.exchange.deposit("desk", "USDT", D(1), here.sandbox.clock.engine_ns(), f"in{number}")
        await here.catch_up()
        report = await here.reconcile()
        assert (report.equal, report.markets[0].venue_fills, report.watermark.transfers != "") == (True, 120, True)
        here.clock.advance(700)
        looked = await read_in_window(here)
        assert (looked.start, looked.fills, looked.transfers) == (report.watermark, [], [])
        report = await here.reconcile(full=False)
        assert (report.equal, report.markets[0].venue_fills, report.markets[0].ledger_fills) == (True, 0, 0)


def test_what_a_window_asks_for_has_its_index(demo: None) -> None:
    account = VenueAccount.objects.get(slug="dex-desk")
    transfers = CashMovement.objects.filter(account=account, kind__in=["deposit", "withdrawal"], executed_at__gte=NOW)
    fills = Fill.objects.filter(market__in=[1, 2], executed_at__gte=NOW)
    reports = ReconciliationReport.objects.filter(account=account).order_by("-at", "-id")[:1]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "cash_transfers_by_time" in transfers.explain()
        assert "fills_by_time" in fills.explain()
        assert "reconciliations_by_account" in reports.explain()


def equal_reading(here: Setting, watermark: Watermark) -> None:
    """A report of eleven minutes ago that found both equal up to `watermark`."""
    ReconciliationReport.objects.create(
        account=VenueAccount.objects.get(slug=here.account), at=here.now() - timedelta(minutes=11), trigger="test",
        equal=True, differences=[], watermark=watermark.fills, transfers_watermark=watermark.transfers, duration_ms=1,
    )  # fmt: skip


async def watermark_of(here: Setting) -> Watermark:
    books = new_books(Watermark())
    await read_on(here.venue, books)
    return Watermark(books.cursor, books.transfers_cursor)


async def read_in_window(here: Setting) -> VenueBooks:
    books = new_books(window_start(here.account, here.now()))
    await read_on(here.venue, books)
    return books


def test_the_command_says_what_it_could_not_compare(demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEX", "CEX"):
        monkeypatch.setenv(f"VENUE_{name}_URL", "http://127.0.0.1:1")
    out = StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("reconcile", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (stopped.value.returncode, told["equal"], told["markets"]) == (1, False, [])
    assert "VENUE_DEX_DESK_KEY_ID" in out.getvalue()
