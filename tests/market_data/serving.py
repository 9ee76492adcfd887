"""Runs the whole service over scripted venues, a real Valkey and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import redis.asyncio

from tests.market_data.scripted_venue import ScriptedVenue
from trading.clock import Clock, SystemClock
from trading.hot_state import market
from trading.hot_state.connection import async_client
from trading.hot_state.values import MarketView
from trading.market_data.cadence import Cadence
from trading.market_data.recorder import RecorderPolicy
from trading.market_data.service import MarketDataService
from trading.market_data.supervision import Backoff
from trading.models import Market, Order

DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
FAST = Cadence(
    publish_gap_s=0.005,
    publish_s=0.05,
    balances_s=0.2,
    history_s=0.3,
    history_alone_s=0.1,
    audit_s=0.05,
    rules_s=0.1,
    heartbeat_s=0.05,
    missing_market_s=0.1,
    backoff=Backoff(first_s=0.02, longest_s=0.1),
)
GOOD = [("0.2500", "10")], [("0.2502", "10")]


class Scripts:
    """The venues that the service opens, by account; `refusals` are raised instead."""

    def __init__(self) -> None:
        self.refusals: dict[str, Exception] = {}
        self.venues: dict[str, ScriptedVenue] = {
            "dex-desk": ScriptedVenue([DEX], "dex-desk", SystemClock()),
            "cex-desk": ScriptedVenue([CEX], "cex-desk", SystemClock()),
        }

    def open(
        self, market_refs: Sequence[object], account_slug: str, clock: Clock, *, known: Sequence[object] = ()
    ) -> ScriptedVenue:
        if account_slug in self.refusals:
            raise self.refusals[account_slug]
        venue = self.venues[account_slug]
        venue.markets = [ref.slug for ref in market_refs]
        return venue

    @property
    def dex(self) -> ScriptedVenue:
        return self.venues["dex-desk"]

    @property
    def cex(self) -> ScriptedVenue:
        return self.venues["cex-desk"]


@asynccontextmanager
async def serving(scripts: Scripts, recorder: RecorderPolicy | None = None) -> AsyncIterator[redis.asyncio.Redis]:
    client, stop = async_client(), asyncio.Event()
    running = asyncio.create_task(
        MarketDataService(client, SystemClock(), scripts.open, FAST, recorder).run(stop)
    )  # fmt: skip
    try:
        yield client
    finally:
        stop.set()
        async with asyncio.timeout(2.5):
            await running
        await client.aclose()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(8):
            while not await condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within 8 s: {what}") from None


async def view_where(
    client: redis.asyncio.Redis, slug: str, wanted: Callable[[MarketView], bool], what: str
) -> MarketView:
    found: list[MarketView] = []

    async def look() -> bool:
        view = await market.read_market_view(client, slug)
        if view is not None and wanted(view):
            found.append(view)
        return bool(found)

    await until(look, what)
    return found[0]


def healthy(view: MarketView) -> bool:
    return view.problem == "" and view.reference is not None


def sent_by_us(*client_order_ids: str, market: str = DEX) -> None:
    """The rows that every order of ours has before its bytes leave."""
    row = Market.objects.get(slug=market)
    for name in client_order_ids:
        Order.objects.get_or_create(
            client_order_id=name,
            defaults={
                "market": row, "side": "buy", "level": 0, "epoch": 1, "price": 1, "size": 1, "status": "LIVE",
                "parameter_version": 1, "created_at": NOW, "updated_at": NOW,
            },
        )  # fmt: skip
