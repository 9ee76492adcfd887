"""The service against real venues: the sandbox's sockets, through the adapters that trade."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal as D
from functools import partial
from pathlib import Path

import pytest
import redis.asyncio
from django.db import connections

from tests.market_data.serving import CEX, DEX, FAST, NOW, healthy, sent_by_us, until, view_where
from tests.market_data.test_recorder import replayed
from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.clock import SystemClock
from trading.hot_state import inbox, keys, market
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.orders import read_open_orders_sync
from trading.hot_state.values import RawFill
from trading.market_data.recorder import RecorderPolicy
from trading.market_data.service import MarketDataService
from trading.registry.selectors import active_markets
from trading.registry.services import declare_demo_desk
from trading.sandbox.records_format import read_record
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordDepth, RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.factory import open_venue
from trading.venues.interface import OrderRequest, Side

Levels = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def declared(django_db_blocker: object) -> Iterator[None]:
    with django_db_blocker.unblock():
        declare_demo_desk(NOW)
        sent_by_us("m1b0e1c1")
        yield
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


@pytest.fixture
def desk(declared: None, valkey: str) -> None:
    """The demonstration's desk, and an empty Valkey."""


def depth(bids: Levels, asks: Levels, snapshot: bool = True) -> RecordDepth:
    sides = [tuple((D(price), D(size)) for price, size in side) for side in (bids, asks)]
    return RecordDepth(0, sides[0], sides[1], snapshot)


def environ(dex: RunningVenue, cex: RunningVenue) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VENUE_DEX_URL": dex.base_url,
        "VENUE_DEX_DESK_KEY_ID": dex.key_id,
        "VENUE_DEX_DESK_SECRET": dex.secret,
        "VENUE_CEX_URL": cex.base_url,
        "VENUE_CEX_DESK_KEY_ID": cex.key_id,
        "VENUE_CEX_DESK_SECRET": cex.secret,
        "VENUE_CEX_DESK_PASSPHRASE": cex.passphrase,
    }


@asynccontextmanager
async def serving(
    dex: RunningVenue, cex: RunningVenue, recorder: RecorderPolicy | None = None
) -> AsyncIterator[redis.asyncio.Redis]:
    client, stop = async_client(), asyncio.Event()
    opener = partial(open_venue, environ=environ(dex, cex))
    running = asyncio.create_task(MarketDataService(client, SystemClock(), opener, FAST, recorder).run(stop))
    try:
        yield client
    finally:
        stop.set()
        async with asyncio.timeout(2.5):
            await running
        await client.aclose()


DEX_BOOK = depth([("0.269300", "500"), ("0.269200", "800")], [("0.269400", "500"), ("0.269500", "800")])
CEX_BOOK = depth([("3.1000", "50")], [("3.1010", "50")])


async def test_both_venues_through_their_adapters(desk: None) -> None:
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        cex.play(CEX_BOOK)
        async with serving(dex, cex) as client:
            view = await view_where(client, DEX, healthy, "the DEX market")
            assert (view.reference, view.bids[1].price, view.bids[1].size) == (D("0.26935"), D("0.2692"), D(800))
            other = await view_where(client, CEX, healthy, "the CEX market")
            assert other.reference == D("3.1005")

            async def balances() -> bool:
                return all(market.read_balances_sync(one) is not None for one in ("dex-desk", "cex-desk"))

            await until(balances, "balances")
            assert market.read_balances_sync("dex-desk").total("dct") == D(200000)
            assert market.read_market_info_sync("cex-desk", CEX).tick == D("0.0001")
            dex.play(depth([("0.269350", "100")], [], snapshot=False))
            await view_where(client, DEX, lambda one: one.reference == D("0.269375"), "the next book")


async def test_depth_reaches_further_than_the_view_through_the_real_adapter(desk: None) -> None:
    step, first_bid, first_ask = D("0.00001"), D("0.26934"), D("0.26935")
    bids = [(str(first_bid - step * n), "10") for n in range(900)]
    asks = [(str(first_ask + step * n), "10") for n in range(900)]
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(depth(bids, asks))
        async with serving(dex, cex) as client:
            view = await view_where(client, DEX, lambda one: healthy(one) and bool(one.depth), "the DEX market")
    assert (view.reference, len(view.bids)) == (D("0.269345"), 50)
    # 135, 269 and 539 levels of 10 lie above 0.5, 1 and 2 % below the mid.
    assert [band.bid for band in view.depth] == [D("362.7045"), D("720.92"), D("1437.2435")]
    assert all(band.is_complete for band in view.depth)


async def test_own_orders_are_netted_and_own_fills_reach_the_inbox(desk: None) -> None:
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        async with serving(dex, cex) as client:
            await view_where(client, DEX, healthy, "the DEX market")
            await dex.subscribed(3)
            trader = open_venue(
                await asyncio.to_thread(active_markets), "dex-desk", SystemClock(), environ=environ(dex, cex)
            )
            await trader.open()
            try:
                await trader.submit_order(OrderRequest(DEX, Side.BUY, D("0.269350"), D(100), "m1b0e1c1"))
                netted = await view_where(
                    client,
                    DEX,
                    lambda one: one.bids[0].price == D("0.269350") and one.ext_bid == D("0.269300"),
                    "netting",
                )
                assert netted.reference == D("0.26935")
                assert [one.status for one in read_open_orders_sync(DEX)] == ["LIVE"]
                dex.play(RecordTrade(0, RecordSide.SELL, D("0.269350"), D(40)))

                async def has_fill() -> bool:
                    return await client.hlen(keys.inbox_pending(DEX)) == 1

                await until(has_fill, "the fill")
            finally:
                await trader.close()
        inbox.ensure_group(sync_client())
        fills = {
            (one.trade_id, one.price, one.size, one.fee_asset)
            for entry in inbox.read_batch(sync_client(), "test", block_ms=1)
            if isinstance(one := entry.value, RawFill)
        }
        (executed,) = dex.exchange.fills("desk")
        assert fills == {(executed.trade_id, D("0.269350"), D(40), "usdt")}


async def test_dropped_sockets_and_a_dead_venue_come_back(desk: None) -> None:
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        cex.play(CEX_BOOK)
        async with serving(dex, cex) as client:
            await view_where(client, DEX, healthy, "the DEX market")
            await dex.subscribed(3)
            await dex.drop_streams()
            dex.play(depth([("0.260000", "500")], [("0.260100", "500")]))
            view = await view_where(client, DEX, lambda one: healthy(one) and one.reference == D("0.26005"), "recovery")
            assert view.book_ok
            assert healthy(await market.read_market_view(client, CEX))


async def test_a_refused_credential_leaves_the_other_account_alone(desk: None) -> None:
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        cex.play(CEX_BOOK)
        cex.secret = "not-the-secret-of-this-venue"
        async with serving(dex, cex) as client:
            await view_where(client, DEX, healthy, "the DEX market")
            await view_where(client, CEX, lambda one: one.problem == "auth_rejected", "the refused credential")


async def test_a_failing_book_endpoint_does_not_stop_the_stream(desk: None) -> None:
    broken = FaultRule(FaultKind.ERROR_BEFORE, endpoint="book")
    async with running_venue("dex", faults=[broken]) as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        async with serving(dex, cex) as client:
            await view_where(client, DEX, healthy, "the DEX market")
            first = await market.read_market_view(client, DEX)
            await view_where(client, DEX, lambda one: one.published_ns > first.published_ns + 5e8, "half a second more")
            assert healthy(await market.read_market_view(client, DEX))


async def test_a_record_of_the_sandbox_replays_to_the_same_book(desk: None, tmp_path: Path) -> None:
    policy = RecorderPolicy(tmp_path, free_bytes=0)
    async with running_venue("dex") as dex, running_venue("cex") as cex:
        dex.play(DEX_BOOK)
        async with serving(dex, cex, policy) as client:
            await view_where(client, DEX, healthy, "the DEX market")
            for step in range(1, 40):
                bid = D("0.269300") + step * D("0.000001")
                dex.play(depth([(str(bid), str(step))], [("0.269400", str(500 + step))], snapshot=False))
                if step % 10 == 0:
                    dex.play(RecordTrade(0, RecordSide.BUY, D("0.269400"), D(1)))
                await asyncio.sleep(0)
            last = dex.exchange.book("DCT/USDT")
            await view_where(client, DEX, lambda one: one.bids[0].price == last.bids[0][0], "the last book")
        (path,) = (tmp_path / DEX).glob("*.jsonl.gz")
        bids, asks = replayed(path)[-1]
        assert bids == dict(last.bids)
        assert asks == dict(last.asks)
        async with running_venue("dex") as again:
            header, lines = read_record(path)
            prints = 0
            for line in lines:
                prints += line.kind == "t"
                again.play(line.event(header, header.start_ns + line.t_us * 1000))
            assert prints == 3
            assert again.exchange.book("DCT/USDT").bids == last.bids
            assert again.exchange.book("DCT/USDT").asks == last.asks
