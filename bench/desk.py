"""One market of the demonstration desk in this process: connections as a worker has them, the feed as market_data writes it."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import aiohttp
import redis.asyncio

from trading.clock import SystemClock, to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import async_client
from trading.hot_state.lease import queue_release
from trading.hot_state.market import write_market_view
from trading.hot_state.orders import read_open_orders
from trading.hot_state.reconciled import mark_reconciled
from trading.hot_state.values import HotBalance, HotBalances, HotLevel, HotPosition, MarketView
from trading.models import ParameterSet, Position
from trading.orders.execute import SentStep
from trading.quoting import cycle as cycle_module
from trading.quoting import sending
from trading.quoting.connections import Connections
from trading.quoting.due import Due
from trading.registry.services import declare_demo_desk
from trading.venues.credentials import Credential
from trading.venues.interface import MarketInfo, OrderBook
from trading.venues.ton_dex.adapter import TonDexVenue

RECORDED_SIZE = Decimal(5000)
SLUG, ACCOUNT = "dct-usdt-dex", "dex-desk"


def market_view(slug: str, book: OrderBook, now_ns: int) -> MarketView:
    """A sound view of `book`, as market_data publishes it."""
    bids = tuple(HotLevel(one.price, one.size) for one in book.bids[:20])
    asks = tuple(HotLevel(one.price, one.size) for one in book.asks[:20])
    # The recorded levels are larger than any order of ours: the best of them are the foreign best.
    foreign_bids = [one.price for one in bids if one.size >= RECORDED_SIZE]
    foreign_asks = [one.price for one in asks if one.size >= RECORDED_SIZE]
    far_bid, far_ask = max(foreign_bids, default=bids[-1].price), min(foreign_asks, default=asks[-1].price)
    mid = (far_bid + far_ask) / 2
    return MarketView(
        slug=slug, published_ns=now_ns, book_seq=book.seq or 0, book_changed_ns=now_ns, book_ok=True, bids=bids, asks=asks,
        ext_bid=far_bid, ext_ask=far_ask, reference=mid, reference_source="book", reference_age_s=0.0, rolling_mid=mid,
        proof_age_s=0.0, sigma_raw=0.00005, sigma_effective=0.00005, regime="normal", is_warm=True, vol_samples=100,
        clock_skew_ms=0.0, venue_ns=book.venue_ns,
    )  # fmt: skip


class BenchDesk:
    """Made by `open`; `cycle` runs one quoting cycle now."""

    def __init__(self, connections: Connections, feed: TonDexVenue) -> None:
        self.connections = connections
        self.feed = feed
        self.bare_session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self._views: asyncio.Queue[tuple[Decimal, int]] = asyncio.Queue()
        self._slot = 0
        self._sent: tuple[SentStep, ...] = ()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, venue: dict[str, str]) -> BenchDesk:
        """Declare the desk in the throwaway database and connect to the venue."""

        clock = SystemClock()
        await asyncio.to_thread(_declare, clock)

        def adapter(markets: Any, account: str, clock: Any) -> TonDexVenue:
            credential = Credential(venue["key_id"], venue["secret"], "")
            return TonDexVenue(
                markets=markets, account=account, base_url=venue["base_url"], clock=clock, credential=credential
            )

        connections = Connections(async_client(), clock, "bench", adapter)
        await connections.governed.refresh()
        markets = [market for market in connections.governed.markets() if market.slug == SLUG]
        feed = adapter(markets, ACCOUNT, clock)
        await feed.open()
        desk = cls(connections, feed)
        await desk._publish_rules()
        await asyncio.to_thread(mark_reconciled, ACCOUNT)
        await connections.open_venues()
        desk._watch_sent()
        return desk

    async def _publish_rules(self) -> None:
        info: MarketInfo = await self.feed.market_info(SLUG)
        held = {one.asset: HotBalance(one.total, one.free) for one in await self.feed.fetch_balances()}
        client = self.connections.redis
        await client.hset(keys.market_info(ACCOUNT), SLUG, encode(info))
        await client.set(keys.balances(ACCOUNT), encode(HotBalances(ACCOUNT, time.time_ns(), held)))

    def _watch_sent(self) -> None:
        """Note what each cycle sent, without touching how it is sent."""
        execute = sending.execute

        async def noting(*args: Any) -> tuple[SentStep, ...]:
            self._sent = await execute(*args)
            return self._sent

        sending.execute = noting

    async def _read(self) -> None:
        async for item in self.feed.stream_book(SLUG):
            if isinstance(item, OrderBook) and item.bids and item.asks:
                view = market_view(SLUG, item, time.time_ns())
                await write_market_view(self.connections.redis, view)
                self._views.put_nowait((view.reference or Decimal(0), time.time_ns()))

    async def next_view(self, mid: Decimal) -> int:
        """When the view with this reference was in Redis (ns)."""
        async with asyncio.timeout(5):
            while True:
                if self._reading.done():
                    self._reading.result()
                reference, at_ns = await asyncio.wait_for(self._views.get(), 4)
                if reference == mid:
                    return at_ns

    async def cycle(self) -> tuple[SentStep, ...]:
        """Run one cycle at once; what it sent."""
        self._slot += 1
        self._sent = ()
        if self._slot % 20 == 0:
            await self._publish_rules()  # balances older than 15 s would not be used
        await self.connections.governed.refresh()
        market = next(one for one in self.connections.governed.markets() if one.slug == SLUG)
        now_ns = time.time_ns()
        await cycle_module.run_cycle(self.connections, Due(market, now_ns + self._slot * 10**9, 1.0, now_ns))
        return self._sent

    async def own_orders(self) -> Any:
        return await read_open_orders(self.connections.redis, SLUG)

    async def close(self) -> None:
        await self.feed.close()
        self._reading.cancel()
        await asyncio.wait([self._reading], timeout=2)
        await self.bare_session.close()
        await queue_release(self.connections.redis, SLUG, "bench", time.time_ns())
        await self.connections.close()


def _declare(clock: SystemClock) -> None:
    from django.conf import settings
    from django.db import connection

    now = to_datetime(clock.now_ns())
    declare_demo_desk(now)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for row in ParameterSet.objects.select_related("market"):
            q = row.q_target_lots * row.market.lot_size
            Position.objects.update_or_create(market=row.market, defaults={"q": q, "updated_at": now})
            zero = Decimal(0)
            hot = HotPosition(row.market.slug, 1, q, zero, zero, zero, zero, 0)
            client.set(keys.position(row.market.slug), encode(hot))
    connection.close()
