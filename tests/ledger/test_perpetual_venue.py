"""The ledger of a perpetual against real venues through their adapters: fills, settlement and funding, both dialects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal as D

import pytest
from django.db import connection

from dcmm_portal.celery import app
from tests.ledger.desk import NOW, view
from tests.ledger.venue_setting import Setting, environ
from tests.support.perpetual import PERP, SYMBOLS, VENUE_SYMBOL, declare_perpetual
from trading.clock import SystemClock
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.market import beat_sync
from trading.hot_state.values import RawFunding
from trading.ledger.comparison import Difference, compare
from trading.ledger.funding_payments import FundingOutcome, reconcile_funding
from trading.ledger.own_books import Since, read_own_books
from trading.ledger.reconcile_accounts import Unread, reconcile_all
from trading.ledger.reports import AccountReport
from trading.ledger.services import apply_batch
from trading.ledger.venue_books import VenueBooks, Watermark, new_books, read_on
from trading.models import CashBalance, CashMovement, Event, FundingReport, Lock, Market, Position, VenueCursor
from trading.registry.selectors import active_markets
from trading.registry.services import declare_demo_desk
from trading.sandbox.server.testing import running_venue
from trading.sandbox.types import RecordDepth
from trading.tasks import funding_payments
from trading.venues.factory import open_venue
from trading.venues.interface import OrderRequest, Side, TimeInForce

SPOT = {"dex": "dct-usdt-dex", "cex": "gram-usdt-cex"}
SPOT_SYMBOL = {"dex": "DCT/USDT", "cex": "GRAM/USDT"}


@pytest.fixture(params=["dex", "cex"])
def name(request: pytest.FixtureRequest, committed_db: None) -> Iterator[str]:
    """A venue whose account trades the perpetual beside its spot market."""
    declare_demo_desk(NOW)
    declare_perpetual(NOW, request.param)
    yield request.param


@asynccontextmanager
async def setting(name: str) -> AsyncIterator[Setting]:
    prices = {"dct-usdt-dex": "0.26935", "gram-usdt-cex": "3.1005", PERP: "2400.5"}
    for slug, price in prices.items():
        sync_client().set(keys.market_view(slug), encode(view(slug, price, time.time_ns())))
    for process in ("ledger", "market_data"):
        beat_sync(process, time.time_ns() + 600 * 10**9)
    account = f"{name}-desk"
    refs = [ref for ref in active_markets() if ref.account == account]
    async with running_venue(name, markets=(SPOT_SYMBOL[name], VENUE_SYMBOL)) as sandbox:
        venue = open_venue(refs, account, SystemClock(), environ=environ(name, sandbox))
        await venue.open()
        try:
            here = Setting(sandbox, venue, {ref.slug: ref for ref in refs}, account)
            show(here, "2400")
            yield here
        finally:
            await venue.close()


def show(here: Setting, bid: str) -> None:
    """A book one dollar wide, 500 contracts a side."""
    book = RecordDepth(0, ((D(bid), D(500)),), ((D(bid) + 1, D(500)),), True)
    here.sandbox.play(book, VENUE_SYMBOL)


async def take(here: Setting, side: Side, price: str, size: str, number: int) -> None:
    """An order of ours that takes what the book shows."""
    request = OrderRequest(PERP, side, D(price), D(size), f"m3b0e1c{number}", TimeInForce.IOC)
    order = await here.venue.submit_order(request)
    assert order.filled == D(size)


async def trade_and_be_funded(here: Setting) -> None:
    """Long 0.5 ETH at 2401, 0.2 of it sold at 2410; funded twice at 2410.5: 0.3 ETH pay, then receive."""
    await take(here, Side.BUY, "2401", "0.5", 1)
    show(here, "2410")
    await take(here, Side.SELL, "2410", "0.2", 2)
    here.sandbox.pay_funding("0.0001")
    here.sandbox.pay_funding("-0.0002")


def job(here: Setting, name: str) -> tuple[list[FundingOutcome], list[Unread]]:
    try:
        return reconcile_funding(
            SystemClock(),
            only=here.account,
            open_one=lambda refs, account, clock: open_venue(refs, account, clock, environ=environ(name, here.sandbox)),
        )
    finally:
        connection.close()


SETTLED = D("1.8")  # 0.2 ETH, bought at 2401, sold at 2410
FEES = D("0.60025") + D("0.241")  # 0.0005 of 0.5 * 2401 and of 0.2 * 2410
FUNDED = [D("-0.072315"), D("0.14463")]  # 0.3 ETH at 2410.5, 1 and 2 bps


async def test_the_walk_of_a_perpetual(name: str) -> None:
    async with setting(name) as here:
        await trade_and_be_funded(here)
        await here.catch_up()
        position = Position.objects.get(market__slug=PERP)
        assert (position.q, position.fees, position.funding, position.fills) == (D("0.3"), FEES, sum(FUNDED), 2)
        assert position.realised == SETTLED - FEES + sum(FUNDED)
        assert position.cost_basis == D("0.3") * 2401
        assert position.realised - position.cost_basis == position.cash_flow
        money = CashMovement.objects.filter(market__slug=PERP).order_by("id").values_list("kind", "asset_id", "amount")
        assert list(money) == [
            ("fee", "usdt", D("-0.60025")), ("settlement", "usdt", SETTLED), ("fee", "usdt", D("-0.241")),
            ("funding", "usdt", FUNDED[0]), ("funding", "usdt", FUNDED[1]),
        ]  # fmt: skip
        assert inbox.hot_inventory_sync(PERP).q == D("0.3")
        report = await here.reconcile()
        assert report.equal, report.differences
        (compared,) = [market for market in report.markets if market.slug == PERP]
        assert (compared.venue_fills, compared.ledger_fills) == (2, 2)
        assert compared.venue_position == compared.ledger_position == D("0.3")
        # The venue's own ledger: 3 contracts, and the wallet to the last decimal.
        (held,) = here.sandbox.exchange.positions("desk")
        assert (held.size, held.realised_pnl) == (3, SETTLED)
        wallet = {one.asset: one.total for one in here.sandbox.exchange.balances("desk")}["USDT"]
        assert CashBalance.objects.get(account__slug=here.account, asset="usdt").amount == wallet


async def test_read_again_from_the_beginning_nothing_is_counted_twice(name: str) -> None:
    async with setting(name) as here:
        await trade_and_be_funded(here)
        await here.catch_up()
        before = Position.objects.get(market__slug=PERP)
        VenueCursor.objects.update(cursor="")
        await here.catch_up()
        after = Position.objects.get(market__slug=PERP)
        assert (after.ledger_seq, after.funding, after.realised) == (before.ledger_seq, before.funding, before.realised)
        assert (await here.reconcile(full=False)).equal


async def test_a_position_and_funding_that_the_ledger_lacks_are_booked(name: str) -> None:
    async with setting(name) as here:
        await here.catch_up()
        await take(here, Side.SELL, "2400", "0.4", 1)
        here.sandbox.pay_funding("0.0001")
        found = await asyncio.to_thread(differences_of, here.account, await read_books(here))
        # All of what the balance and the position differ by is on its way.
        assert {each.kind: each.rest for each in found} == {
            "fill_missing": "", "funding_missing": "", "balance_differs": "0", "position_differs": "0"
        }  # fmt: skip
        (position,) = [each for each in found if each.kind == "position_differs"]
        assert position.message == f"the venue's position on {PERP} is -0.4 eth, the ledger has 0"
        report = await here.reconcile()
        assert report.equal, report.differences
        assert {each.kind for each in report.repaired} == {"fill_missing", "funding_missing"}
        assert Position.objects.get(market__slug=PERP).q == D("-0.4")
        assert {event.aggregate for event in Event.objects.filter(type="reconciliation.repaired")} == {f"market:{PERP}"}
        assert not Lock.objects.exists()
        await here.catch_up()
        assert ((await here.reconcile()).repaired, Position.objects.get(market__slug=PERP).fills) == ((), 1)


async def test_a_position_that_nothing_explains_is_named(name: str) -> None:
    async with setting(name) as here:
        await take(here, Side.SELL, "2400", "0.4", 1)
        await here.catch_up()
        Position.objects.filter(market__slug=PERP).update(q=D("-0.3"))
        report = await here.reconcile()
        assert [(each.kind, each.rest) for each in report.unexplained] == [("position_differs", "-0.1")]
        assert Lock.objects.get(scope=PERP, state="REDUCING").rule == "reconciliation"


async def read_books(here: Setting) -> VenueBooks:
    books = new_books(Watermark())
    await read_on(here.venue, books)
    return books


def differences_of(account: str, books: VenueBooks) -> list[Difference]:
    try:
        return compare(books, read_own_books(account, Since()))
    finally:
        connection.close()


async def test_the_hourly_job_books_what_is_missing_once(name: str) -> None:
    async with setting(name) as here:
        await take(here, Side.BUY, "2401", "0.5", 1)
        await here.catch_up()
        for rate in ("0.0001", "-0.0002", "0.0003"):
            here.sandbox.pay_funding(rate)
        (outcome,), unread = await asyncio.to_thread(job, here, name)
        assert (outcome.payments, outcome.booked_now, outcome.differences, unread) == (3, 3, (), [])
        # 0.5 ETH at 2400.5: -1, +2, -3 bps.
        assert Position.objects.get(market__slug=PERP).funding == D("-0.24005")
        assert inbox.read_position_sync(PERP).funding == D("-0.24005")
        (outcome,), _ = await asyncio.to_thread(job, here, name)
        assert (outcome.payments, outcome.booked_now) == (3, 0)
        await here.catch_up()  # the history brings them too
        assert Position.objects.get(market__slug=PERP).funding == D("-0.24005")
        assert (await here.reconcile()).equal
        reports = FundingReport.objects.order_by("id").values_list("equal", "payments", "booked_now")
        assert list(reports) == [(True, 3, 3), (True, 3, 0)]
        assert Event.objects.filter(type="funding.reconciled").count() == 2
        assert not Lock.objects.exists()


async def test_the_hourly_job_tells_what_differs_and_changes_nothing(name: str) -> None:
    async with setting(name) as here:
        await take(here, Side.BUY, "2401", "0.5", 1)
        await here.catch_up()
        here.sandbox.pay_funding("0.0001")
        (true,) = await here.venue.fetch_funding()
        for payment_id, amount in ((true.payment_id, "-0.1"), ("999", "5")):
            wrong = RawFunding(
                market=PERP, venue=name, account=here.account, symbol=SYMBOLS[name], payment_id=payment_id,
                asset="usdt", amount=D(amount), mark_price=None, venue_ns=true.venue_ns, source="poll",
                received_ns=time.time_ns(),
            )  # fmt: skip
            apply_batch([inbox.InboxEntry(f"{payment_id}-0", wrong)], NOW)
        (outcome,), _ = await asyncio.to_thread(job, here, name)
        assert {each.kind for each in outcome.differences} == {"funding_differs", "funding_extra"}
        assert f"funding {true.payment_id} of -0.120025 on {PERP} at the venue is -0.1 in the ledger" in [
            each.message for each in outcome.differences
        ]
        assert Position.objects.get(market__slug=PERP).funding == D("4.9")
        lock = Lock.objects.get()
        assert (lock.scope, lock.state) == (PERP, "REDUCING")
        assert Event.objects.filter(type="funding.unexplained", aggregate=f"account:{here.account}").exists()
        assert FundingReport.objects.get().equal is False


def test_an_account_that_cannot_be_read_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("DEX", "CEX"):
        monkeypatch.setenv(f"VENUE_{each}_URL", "http://127.0.0.1:1")
    outcomes, (unread,) = reconcile_funding(SystemClock(), only=f"{name}-desk")
    assert (outcomes, unread.account) == ([], f"{name}-desk")
    assert f"VENUE_{name.upper()}_DESK_KEY_ID" in unread.problem


def test_beat_sends_the_job_every_hour() -> None:
    entry = app.conf.beat_schedule["funding-payments"]
    assert (entry["task"], entry["schedule"]) == ("trading.funding_payments", 3600.0)
    assert funding_payments.name == entry["task"]


async def test_a_position_left_on_a_market_switched_off_is_still_compared(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with setting(name) as here:
        await take(here, Side.BUY, "2401", "0.5", 1)
        await here.catch_up()
        Market.objects.filter(slug=PERP).update(is_active=False)
        for variable, value in environ(name, here.sandbox).items():
            monkeypatch.setenv(variable, value)
        (report,), unread = await asyncio.to_thread(compared, here.account)
        assert (report.equal, report.differences, unread) == (True, (), [])
        (left,) = [each for each in report.markets if each.slug == PERP]
        assert left.venue_position == left.ledger_position == D("0.5")


def compared(account: str) -> tuple[list[AccountReport], list[Unread]]:
    try:
        return reconcile_all("test", SystemClock(), only=account)
    finally:
        connection.close()
