"""What differs for a moment and explains itself is never called unexplained: no lock, no alarm, whatever was killed."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from django.db import connection

from tests.ledger.desk import NOW
from tests.ledger.venue_setting import DEX, NAME, WALKS, Setting, setting
from trading.clock import FakeClock, SystemClock
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.ledger.comparison import Difference
from trading.ledger.judgement import Evidence, is_serious, unexplained
from trading.ledger.reconcile_accounts import reconcile_all
from trading.ledger.reports import AccountReport
from trading.models import Event, Fill, Lock, Order, OutboxEntry, ReconciliationReport
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues.interface import OrderRequest, Side, VenueUnavailable

MARKET, PRICE, SIZE, *_ = WALKS["dex"]
AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def nothing_closed(report: AccountReport) -> bool:
    told = Event.objects.filter(type="reconciliation.unexplained").count()
    return (report.unexplained, told, Lock.objects.count()) == ((), 0, 0)


async def test_the_ledger_process_is_stopped(demo: None) -> None:
    """Fills lie in the inbox and nobody books them: the repair does, and the process finds duplicates when it is back."""
    async with setting() as here:
        await here.catch_up()
        sync_client().delete(keys.heartbeat("ledger"))
        await here.buy(MARKET, PRICE, SIZE)
        for _ in range(3):
            here.trade(PRICE, D(20))
            await here.poll()
        report = await here.reconcile()
        assert (report.equal, len(report.repaired)) == (True, 3)
        here.book()
        report = await here.reconcile()
        assert (report.equal, report.repaired, Fill.objects.count()) == (True, (), 3)
        assert nothing_closed(report)


async def test_market_data_is_stopped(demo: None) -> None:
    """Nobody brings fills at all, and nobody answers a request for the history."""
    async with setting() as here:
        await here.catch_up()
        sync_client().delete(keys.heartbeat("market_data"))
        await here.buy(MARKET, PRICE, SIZE)
        here.trade(PRICE, D(40))
        report = await here.reconcile()
        assert (report.equal, len(report.repaired)) == (True, 1)
        assert nothing_closed(report)


async def test_the_relay_is_stopped(demo: None) -> None:
    async with setting() as here:
        await here.buy(MARKET, PRICE, SIZE)
        here.trade(PRICE, D(40))
        await here.catch_up()
        assert OutboxEntry.objects.count() > 0
        assert nothing_closed(await here.reconcile())


async def test_the_venue_is_away_and_comes_back(demo: None) -> None:
    async with setting() as here:
        await here.buy(MARKET, PRICE, SIZE)
        here.trade(PRICE, D(40))
        await here.catch_up()
        here.sandbox.faults.add(FaultRule(FaultKind.DROP_BEFORE))
        with suppress(VenueUnavailable):
            assert not (await here.reconcile()).differences  # not reached
        assert ReconciliationReport.objects.count() == 0
        here.sandbox.faults.clear()
        report = await here.reconcile()
        assert report.equal
        assert nothing_closed(report)


def test_an_account_whose_venue_is_down_is_not_judged(demo: None, monkeypatch) -> None:
    for name in ("KEY_ID", "SECRET", "PASSPHRASE"):
        monkeypatch.setenv(f"VENUE_DEX_DESK_{name}", "x")
    monkeypatch.setenv("VENUE_DEX_URL", "http://127.0.0.1:1")
    reports, unread = reconcile_all("test", SystemClock(), only="dex-desk")
    assert (reports, [each.account for each in unread]) == ([], ["dex-desk"])
    assert (Lock.objects.count(), ReconciliationReport.objects.count()) == (0, 0)


async def test_orders_whose_outcome_is_unknown(demo: None) -> None:
    """One that rests and one that does not: until `trading.orders` knows, both may be either."""
    async with setting() as here:
        await here.catch_up()
        await here.venue.submit_order(OrderRequest(MARKET, Side.BUY, PRICE, SIZE, NAME))
        for name in (NAME, "m1b0e1c2"):
            Order.objects.create(
                client_order_id=name, market_id=here.refs[MARKET].id, side="buy", epoch=1, price=PRICE, size=SIZE,
                status="UNKNOWN", parameter_version=1, created_at=NOW, updated_at=NOW,
            )  # fmt: skip
        report = await here.reconcile()
        assert (report.equal, nothing_closed(report)) == (True, True)


async def test_the_dead_mans_switch_cancelled_what_we_believe_to_rest(demo: None) -> None:
    """A takeover sweeps it within seconds; and even one that stands forever is no money."""
    async with setting() as here:
        await here.catch_up()
        await here.buy(MARKET, PRICE, SIZE)
        await here.venue.cancel_all(MARKET)
        for _ in range(2):
            report = await here.reconcile()
            assert [each.kind for each in report.differences] == ["order_missing"]
            assert nothing_closed(report)
            here.clock.advance(40)


async def test_an_order_rests_that_our_books_have_given_up(demo: None) -> None:
    """A takeover finds and cancels it: known to one report, and gone from the next."""
    async with setting() as here:
        await here.catch_up()
        await here.buy(MARKET, PRICE, SIZE)
        Order.objects.update(status="CANCELLED")
        sync_client().delete(keys.open_orders(MARKET))
        report = await here.reconcile()
        assert [each.kind for each in report.differences] == ["order_unknown"]
        assert nothing_closed(report)
        await here.venue.cancel_all(MARKET)
        here.clock.advance(40)
        report = await here.reconcile()
        assert (report.equal, nothing_closed(report)) == (True, True)


async def test_fills_keep_coming_while_nobody_books_them(demo: None) -> None:
    """Every look finds the balance wrong by another amount: that says nothing of a desk whose ledger is behind."""
    async with setting() as here:
        await here.catch_up()
        await here.buy(MARKET, PRICE, D(100000))
        trading = asyncio.create_task(trade_on(here))
        try:
            for _ in range(2):
                report = await here.reconcile()
                assert nothing_closed(report), report.unexplained
        finally:
            trading.cancel()
        assert Fill.objects.count() > 0
        here.clock.advance(5)
        report = await here.reconcile()
        assert (report.equal, nothing_closed(report)) == (True, True)


async def test_fills_keep_coming_while_the_ledger_books_them(demo: None) -> None:
    """The ledger is ahead of the reading of the venue at one moment, behind it at the next."""
    async with setting() as here:
        await here.catch_up()
        await here.buy(MARKET, PRICE, D(100000))
        trading = asyncio.create_task(trade_on(here, book=True))
        here.clock = FakeClock(time.time_ns())
        stepping = asyncio.create_task(advance(here.clock))
        try:
            report = await here.reconcile()
        finally:
            stepping.cancel()
            trading.cancel()
        assert nothing_closed(report), report.unexplained


async def test_a_fill_repaired_before_its_order_is_settled(demo: None) -> None:
    """A worker died with its order in flight: the fill is booked, the order is still unknown; neither is unexplained."""
    async with setting() as here:
        await here.catch_up()
        await here.buy(MARKET, PRICE, SIZE)
        Order.objects.update(status="UNKNOWN")
        here.trade(PRICE, SIZE)
        report = await here.reconcile()
        assert [each.kind for each in report.repaired] == ["fill_missing"]
        assert {each.kind for each in report.differences} <= {"order_missing"}
        assert nothing_closed(report)


async def trade_on(here: Setting, *, book: bool = False) -> None:
    while True:
        here.trade(PRICE, D(20))
        if book:
            await here.poll()
            await asyncio.to_thread(book_and_close, here)
        await asyncio.sleep(0.1)


async def advance(clock: FakeClock) -> None:
    while True:
        await asyncio.sleep(0.05)
        clock.advance(0.2)


def book_and_close(here: Setting) -> None:
    try:
        here.book()
    finally:
        connection.close()


# --- the judgement alone ------------------------------------------------------------------------------------------------


def judged(*second: Difference, first: tuple[Difference, ...] | None = None, **evidence: object) -> list[str]:
    before = {each.key for each in (second if first is None else first)}
    return [each.kind for each in unexplained(second, Evidence(before=before, **evidence), AT)]


BALANCE = Difference("balance_differs", "usdt", "", rest="7.5")


def test_a_balance_closes_when_two_looks_leave_the_same_amount_over() -> None:
    assert judged(BALANCE) == ["balance_differs"]
    assert judged(BALANCE, first=()) == []
    assert judged(BALANCE, first=(replace(BALANCE, rest="7.4"),)) == []
    assert judged(replace(BALANCE, rest="0")) == []


def test_a_position_closes_like_a_balance() -> None:
    position = Difference("position_differs", DEX, "", DEX, rest="-3")
    assert judged(position) == ["position_differs"]
    assert judged(position, first=(replace(position, rest="-2"),)) == []


def test_a_fee_that_the_venue_has_charged_and_not_told_closes_nothing_up_to_what_it_can_be() -> None:
    charged = replace(BALANCE, rest="-0.1")
    assert judged(charged, fees_not_told={"usdt": D("0.1")}) == []
    assert judged(charged, fees_not_told={"usdt": D("0.09")}) == ["balance_differs"]
    assert judged(replace(BALANCE, rest="0.05"), fees_not_told={"usdt": D("0.1")}) == ["balance_differs"]
    position = Difference("position_differs", DEX, "", DEX, rest="-0.1")
    assert judged(position, fees_not_told={"dct": D(1)}, base_of={DEX: "dct"}) == []


def test_what_the_ledger_lacks_closes_only_where_it_refuses_it() -> None:
    for kind in ("fill_missing", "transfer_missing"):
        missing = Difference(kind, "x", "")
        assert judged(missing) == []
        assert judged(missing, refused={missing.identity}) == [kind]


def test_the_venue_may_list_what_it_counted_a_minute_late() -> None:
    for kind in ("fill_extra", "transfer_extra"):
        assert judged(Difference(kind, "x", "", at=AT - timedelta(seconds=60))) == []
        assert judged(Difference(kind, "x", "", at=AT - timedelta(seconds=61))) == [kind]


def test_contradictions_close_at_once_and_orders_and_fees_never() -> None:
    for kind in ("fill_differs", "transfer_differs"):
        assert judged(Difference(kind, "x", "")) == [kind]
    for kind in ("order_missing", "undecided", "fee_differs", "order_unknown"):
        assert judged(Difference(kind, "x", "")) == []
    assert judged(Difference("order_unknown", "x", ""), long_standing={("order_unknown", "x")}) == ["order_unknown"]


def test_what_a_window_finds_too_much_is_looked_for_in_the_whole_history() -> None:
    """A venue whose clock was set back puts fills from before a window into it: by the list alone they would be too many."""
    assert is_serious(Difference("fill_extra", "x", "", at=AT))
    assert is_serious(BALANCE)
    assert not is_serious(replace(BALANCE, rest="0"))
    assert not any(is_serious(Difference(kind, "x", "")) for kind in ("order_unknown", "fill_missing", "undecided"))
