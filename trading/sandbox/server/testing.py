"""A running venue inside the current event loop, for tests of adapters and of whatever talks to a venue.

    async with running_venue("dex") as venue:
        venue.exchange.deposit("desk", "USDT", Decimal(10), venue.clock.engine_ns())   # beyond the catalogue's deposits
        venue.play(RecordTop(0, Decimal("0.2693"), Decimal(500), Decimal("0.2694"), Decimal(500)))
        ... client at venue.base_url / venue.ws_url with venue.key_id, venue.secret (and venue.passphrase on "cex") ...
        venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1))
        venue.clock.skew_s = 7.0

A perpetual (docs/sandbox-venue.md section 13) is listed by "cex" after GRAM/USDT, or where a test says so:

    async with running_venue("dex", markets=["ETH/USDT:USDT"]) as venue:           # its only, so its first, market
        venue.play(RecordDepth(0, bids, asks, snapshot=True), "ETH/USDT:USDT")     # sizes in contracts; the mid is the mark
        venue.pay_funding("0.0001")                                                # the next funding happens now, at that rate

Everything is real: sockets on a free port, the engine, its SQLite ledger in a temporary directory. There is no replay:
the market is what `play` makes of it. Rate limits are off unless `rate_scale` says otherwise.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from trading.sandbox.catalogue import listings
from trading.sandbox.exchange import Exchange
from trading.sandbox.server.app import open_exchange
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.faults import FaultRule, Faults
from trading.sandbox.server.keys import ApiKey, KeyRing
from trading.sandbox.server.market import MarketClock
from trading.sandbox.server.server import build
from trading.sandbox.server.settings import ACCOUNT
from trading.sandbox.server.streams import StreamHub
from trading.sandbox.server.venue import Venue, throttle_for
from trading.sandbox.server.webhooks import WebhookSender, WebhookTarget
from trading.sandbox.types import FundingRate, RecordEvent


@dataclass(slots=True)
class RunningVenue:
    """What a test needs of the venue it runs. URLs carry no trailing slash."""

    base_url: str  # http://127.0.0.1:PORT
    ws_url: str  # dex: ws://127.0.0.1:PORT/v1/stream; cex: ws://127.0.0.1:PORT/ws/v5 (ccxt adds /public, /private)
    account: str
    key_id: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    control_token: str = field(repr=False)
    exchange: Exchange
    faults: Faults
    clock: VenueClock
    venue: Venue
    hub: StreamHub

    def play(self, event: RecordEvent, symbol: str | None = None) -> None:
        """Let one recorded market event happen now (in the venue's first symbol, unless named)."""
        name = symbol if symbol is not None else next(iter(self.exchange.instruments))
        self.exchange.apply_record(name, event, self.clock.engine_ns())

    def pay_funding(self, rate: str | None = None, symbol: str | None = None) -> FundingRate:
        """Let the next funding time of a perpetual (its first, unless named) come now, without waiting for it.

        rate: fixed for this and the later fundings; None leaves the rate as it is. The market needs a book. Payments are
        stamped (`ts_ms`) now; their `funding_ms` lies up to an interval ahead. Returns what is then in force.
        """
        listed = self.exchange.instruments.values()
        name = symbol if symbol is not None else next(item.symbol for item in listed if item.is_perpetual)
        now_ns = self.clock.engine_ns()
        if rate is not None:
            self.exchange.set_funding_rate(name, Decimal(rate), now_ns)
        due_ns = self.exchange.funding_rate(name, now_ns).funding_ns
        self.exchange.settle_funding(now_ns, due_ns)
        return self.exchange.funding_rate(name, now_ns)

    async def subscribed(self, count: int = 1, timeout_s: float = 5.0) -> None:
        """Wait until the venue holds at least `count` stream subscriptions; TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s):
            while self.hub.subscriptions() < count:
                await asyncio.sleep(0.005)

    async def drop_streams(self) -> int:
        """Reset every open WebSocket; returns how many."""
        dropped = self.hub.drop_all()
        await asyncio.sleep(0)
        return dropped


@asynccontextmanager
async def running_venue(
    venue: str = "dex",
    *,
    exchange: Exchange | None = None,
    markets: Sequence[str] = (),
    funding_interval_s: int = 28_800,
    faults: Iterable[FaultRule] = (),
    clock_skew_s: float = 0.0,
    seed: int = 1,
    rate_scale: float = 0.0,
    webhook_url: str = "",
    webhook_secret: str = "",
) -> AsyncIterator[RunningVenue]:
    """Serve a venue of the dialect `dex` or `cex` until the block ends.

    exchange: an engine of the test's own (any instruments; the test closes it); otherwise one with the catalogue's
    listings of that venue (`markets`: of these symbols instead) and the catalogue's deposits for account "desk".
    funding_interval_s: of the catalogue's perpetuals, long so that no funding happens by itself in a test (see
    `RunningVenue.pay_funding`). rate_scale multiplies every rate limit; 0 = no limits. webhook_url: where signed fills
    go (docs/sandbox-venue.md section 8).
    """
    clock = VenueClock(skew_s=clock_skew_s)
    with tempfile.TemporaryDirectory(prefix="sandbox-venue-") as folder:
        listed = listings(venue, markets, funding_interval_s)
        engine = exchange if exchange is not None else open_exchange(listed, Path(folder) / "exchange.sqlite3", clock)
        state = Venue(
            name=venue,
            exchange=engine,
            keys=KeyRing([ApiKey("test-key", ACCOUNT, "test-secret-of-the-venue", "test-passphrase")]),
            clock=clock,
            faults=Faults(faults, seed),
            throttle=throttle_for(venue, rate_scale),
            control_token=uuid.uuid4().hex,
        )
        target = WebhookTarget(webhook_url, webhook_secret, ACCOUNT) if webhook_url else None
        try:
            async with _serving(state, target) as running:
                yield running
        finally:
            if exchange is None:
                engine.close()


@asynccontextmanager
async def _serving(state: Venue, target: WebhookTarget | None) -> AsyncIterator[RunningVenue]:
    app, hub = build(state)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    tasks = [asyncio.create_task(MarketClock(state, ()).run())]
    if target is not None:
        tasks.append(asyncio.create_task(WebhookSender(state, target).run()))
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        place = f"127.0.0.1:{runner.addresses[0][1]}"
        key = state.keys.find("test-key")
        yield RunningVenue(
            base_url=f"http://{place}",
            ws_url=f"ws://{place}/v1/stream" if state.name == "dex" else f"ws://{place}/ws/v5",
            account=key.account,
            key_id=key.key_id,
            secret=key.secret,
            passphrase=key.passphrase,
            control_token=state.control_token,
            exchange=state.exchange,
            faults=state.faults,
            clock=state.clock,
            venue=state,
            hub=hub,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(hub.close(), 1.0)
        await runner.cleanup()
