"""What the venue's history explains is booked from it: once, whoever finds it and however often."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from decimal import Decimal as D

from django.db import connection

from tests.ledger.venue_setting import CEX, DEX, WALKS, Setting, setting
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.ledger.comparison import Difference, compare
from trading.ledger.own_books import Since, read_own_books
from trading.ledger.repair import Repairs, repair, repair_id
from trading.ledger.venue_books import VenueBooks, Watermark, new_books, read_on
from trading.models import CashBalance, CashMovement, Event, Fill, FillQuarantine, Lock, ReconciliationReport


def repaired_events() -> list[Event]:
    return list(Event.objects.filter(type="reconciliation.repaired").order_by("id"))


def balance(account: str, asset: str) -> D:
    return CashBalance.objects.get(account__slug=account, asset_id=asset).amount


async def test_a_fill_that_the_ledger_lacks_is_booked(demo: None) -> None:
    market, price, size, _, base, quote = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        report = await here.reconcile()
        assert (report.equal, report.unexplained) == (True, ())
        (mended,) = report.repaired
        fill = Fill.objects.get()
        assert (mended.kind, fill.size, fill.source, fill.client_order_id) == (
            "fill_missing",
            40,
            "reconcile",
            "m1b0e1c1",
        )
        assert balance("dex-desk", "usdt") == quote
        assert inbox.hot_inventory_sync(market).q == base
        (event,) = repaired_events()
        assert event.aggregate == f"market:{market}"
        assert event.payload["repair"] == repair_id("dex-desk", mended)
        assert event.payload["kind"] == "fill_missing"
        assert Event.objects.get(type="reconciliation.equal").payload["repaired"] == [mended.message]
        assert Lock.objects.count() == 0
        # Whoever brings it later brings a duplicate.
        await here.catch_up()
        assert (Fill.objects.count(), (await here.reconcile()).repaired, len(repaired_events())) == (1, (), 1)


async def test_a_fee_that_came_late_is_added(demo: None) -> None:
    market, price, size, _, base, _ = WALKS["cex"]
    async with setting("cex") as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        (fill,) = await here.raw_fills()
        here.append(replace(fill, fee=None, fee_asset=None))
        here.book()
        assert Fill.objects.get().fee is None
        report = await here.reconcile()
        assert (report.equal, [each.kind for each in report.repaired]) == (True, ["fee_differs"])
        assert (Fill.objects.get().fee, Fill.objects.get().fee_asset) == (D("0.0032"), "gram")
        assert inbox.hot_inventory_sync(CEX).q == base


async def test_deposits_and_withdrawals_are_booked_also_on_an_account_that_never_had_any(demo: None) -> None:
    async with setting() as here:
        exchange, clock = here.sandbox.exchange, here.sandbox.clock
        exchange.deposit("desk", "USDT", D("7.5"), clock.engine_ns(), "in")
        exchange.deposit("desk", "USDT", D("-2.25"), clock.engine_ns(), "out")
        report = await here.reconcile()
        assert report.equal, report.differences
        assert Counter(each.kind for each in report.repaired) == {"transfer_missing": 4}
        assert balance("dex-desk", "usdt") == D("100005.25")
        assert balance("dex-desk", "dct") == 200000
        assert inbox.hot_inventory_sync(DEX).q == 200000
        kinds = dict(CashMovement.objects.filter(key__in=["in", "out"]).values_list("key", "kind"))
        assert kinds == {"in": "deposit", "out": "withdrawal"}
        assert {event.aggregate for event in repaired_events()} == {"account:dex-desk"}
        assert Lock.objects.count() == 0


async def test_more_than_a_report_lists_is_repaired(demo: None) -> None:
    market, price, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, D(1300))
        for _ in range(60):
            here.trade(price, D(20))
        report = await here.reconcile()
        assert report.equal, report.differences
        assert (Fill.objects.count(), len(report.repaired), len(repaired_events())) == (60, 60, 60)
        told = Event.objects.get(type="reconciliation.equal").payload["repaired"]
        assert (len(told), told[-1]) == (51, "10 more of the kind fill_missing are not listed")
        row = ReconciliationReport.objects.get()
        assert (row.equal, row.differences) == (True, [])


async def test_two_at_once_repair_once(demo: None) -> None:
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        for _ in range(4):
            here.trade(price, D(20))
        for number in range(4):
            here.sandbox.exchange.deposit("desk", "USDT", D(1), here.sandbox.clock.engine_ns(), f"in{number}")
        books, differences = await found_of(here)
        outcomes = await asyncio.to_thread(side_by_side, here, books, differences)
        mended = Counter(each.identity for outcome in outcomes for each in outcome.mended)
        assert len(mended) == 8 and set(mended.values()) == {1}
        assert [outcome.refused for outcome in outcomes] == [(), ()]
        assert (Fill.objects.count(), balance("dex-desk", "usdt")) == (4, books.balances["usdt"])
        assert len({event.payload["repair"] for event in repaired_events()}) == len(repaired_events()) == 8
        assert (await here.reconcile()).equal


async def test_what_the_ledger_refuses_is_not_repaired_and_closes(demo: None) -> None:
    """The same trade stands in the quarantine's way: two of its copies contradict each other, and neither is taken on trust."""
    market, price, size, *_ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        (fill,) = await here.raw_fills()
        here.append(replace(fill, fee=D("0.5")))
        here.book()
        report = await here.reconcile()
        assert (report.equal, report.repaired) == (False, ())
        assert {each.kind for each in report.differences} == {"fee_differs", "balance_differs"}
        assert [each.kind for each in report.unexplained] == ["balance_differs"]
        assert FillQuarantine.objects.get().reason == "fee_conflict"
        assert Lock.objects.get().rule == "reconciliation"
        assert (Fill.objects.get().fee, repaired_events()) == (D("0.5"), [])


async def test_a_repair_lands_without_redis_being_told(demo: None) -> None:
    """The position in PostgreSQL is the truth: what could not be published is published by the ledger later."""
    market, price, size, _, base, _ = WALKS["dex"]
    async with setting() as here:
        await here.catch_up()
        await here.buy(market, price, size)
        here.trade(price, D(40))
        sync_client().set(keys.position(market), b"garbage")
        report = await here.reconcile()
        assert (report.equal, report.markets[0].ledger_position) == (True, base)


async def found_of(here: Setting) -> tuple[VenueBooks, list[Difference]]:
    books = new_books(Watermark())
    await read_on(here.venue, books)
    return books, await asyncio.to_thread(differences_of, here.account, books)


def differences_of(account: str, books: VenueBooks) -> list[Difference]:
    try:
        return compare(books, read_own_books(account, Since()))
    finally:
        connection.close()


def side_by_side(here: Setting, books: VenueBooks, differences: list[Difference]) -> list[Repairs]:
    """Two repairs of the same differences, begun at the same moment on connections of their own."""
    together, outcomes = threading.Barrier(2), []

    def one() -> None:
        together.wait(10)
        try:
            outcomes.append(repair(here.account, differences, books, here.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
