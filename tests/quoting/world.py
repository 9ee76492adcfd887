"""A small desk for tests of quoting: demonstration registry in a real PostgreSQL, real Valkey, scripted venues, a fake clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import redis
import redis.asyncio

from tests.quoting.scripted_venue import ScriptedVenue
from tests.support.demo import declare_two_markets
from trading.clock import FakeClock, to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import decode, encode
from trading.hot_state.values import (
    CycleStatus,
    HotBalance,
    HotBalances,
    HotLevel,
    HotOrder,
    HotPosition,
    MarketView,
)
from trading.models import ParameterSet, Position
from trading.orders.database import DatabaseThreads
from trading.quoting.connections import Connections
from trading.quoting.shard import run_tick
from trading.quoting.ticks import Tick
from trading.venues.interface import MarketInfo, VenueKind

DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
ACCOUNTS = {DEX: "dex-desk", CEX: "cex-desk"}
MIDS = {DEX: Decimal("0.2700"), CEX: Decimal("1.5000")}
TICKS = {DEX: Decimal("0.000001"), CEX: Decimal("0.0001")}


@dataclass
class World:
    """`clock` is shared by every worker; `venues` are by account and shared too, as real ones are."""

    url: str
    clock: FakeClock = field(default_factory=FakeClock)
    venues: dict[str, ScriptedVenue] = field(default_factory=dict)
    slot: int = 0

    def __post_init__(self) -> None:
        self.redis = redis.Redis.from_url(self.url, socket_timeout=5)
        for account in ACCOUNTS.values():
            self.venues[account] = ScriptedVenue(self.clock, account)

    @property
    def dex(self) -> ScriptedVenue:
        return self.venues["dex-desk"]

    @property
    def cex(self) -> ScriptedVenue:
        return self.venues["cex-desk"]

    def publish(self, slug: str = DEX, mid: Decimal | None = None, **changes: Any) -> MarketView:
        """Write a fresh, sound market view around `mid`, two ticks wide, with balances and market rules."""
        s, tick = mid or MIDS[slug], TICKS[slug]
        now_ns = self.clock.now_ns()
        view = MarketView(
            slug=slug, published_ns=now_ns, book_seq=1, book_changed_ns=now_ns, book_ok=True,
            bids=(HotLevel(s - tick, Decimal(5000)),), asks=(HotLevel(s + tick, Decimal(5000)),),
            ext_bid=s - tick, ext_ask=s + tick, reference=s, reference_source="book", reference_age_s=0.0, rolling_mid=s,
            proof_age_s=0.0, sigma_raw=0.00005, sigma_effective=0.00005, regime="normal", is_warm=True, vol_samples=100,
            clock_skew_ms=0.0, venue_ns=now_ns,
        )  # fmt: skip
        self.redis.set(keys.market_view(slug), encode(replace(view, **changes)))
        self.publish_account(slug)
        return view

    def publish_account(self, slug: str) -> None:
        base, quote = slug.split("-")[:2]
        row = ParameterSet.objects.select_related("market").get(market__slug=slug)
        q = Position.objects.filter(market=row.market).values_list("q", flat=True).first()
        owned = q if q is not None else row.q_target_lots * row.market.lot_size
        held = {base: HotBalance(owned, owned), quote: HotBalance(Decimal(10**6), Decimal(10**6))}
        account = ACCOUNTS[slug]
        self.redis.set(keys.balances(account), encode(HotBalances(account, self.clock.now_ns(), held)))
        info = MarketInfo(
            market=slug, venue_symbol="X", kind=VenueKind.ORDER_BOOK, base=base, quote=quote, tick=TICKS[slug],
            lot_step=Decimal(1), min_size=Decimal(1), min_notional=Decimal(1), maker_fee=Decimal("0.0001"),
            taker_fee=Decimal("0.0005"), fee_in_received_asset=False, price_band=None, max_open_orders=None,
        )  # fmt: skip
        self.redis.hset(keys.market_info(account), slug, encode(info))

    def position(self, slug: str = DEX, lots: Decimal | int = 0) -> None:
        """Put the committed position `lots` away from target."""
        zero = Decimal(0)
        row = ParameterSet.objects.select_related("market").get(market__slug=slug)
        q = (row.q_target_lots + lots) * row.market.lot_size
        Position.objects.update_or_create(
            market=row.market, defaults={"q": q, "updated_at": to_datetime(self.clock.now_ns())}
        )
        hot = HotPosition(slug, 1, q, q * MIDS[slug], zero, zero, zero, 0)
        self.redis.set(keys.position(slug), encode(hot))

    def ready(self, *slugs: str) -> None:
        for slug in slugs or (DEX, CEX):
            self.publish(slug)
            self.position(slug)
            self.redis.set(keys.reconciled(ACCOUNTS[slug]), b"")

    def orders(self, slug: str = DEX) -> dict[str, HotOrder]:
        raw = self.redis.hgetall(keys.open_orders(slug))
        return {key.decode(): decode(body, HotOrder) for key, body in raw.items()}

    def live(self, slug: str = DEX) -> list[HotOrder]:
        return [order for order in self.orders(slug).values() if order.gone_ns == 0]

    def status(self, slug: str = DEX) -> CycleStatus:
        raw = self.redis.get(keys.cycle(slug))
        assert raw is not None
        return decode(raw, CycleStatus)

    def lease(self, slug: str = DEX) -> dict[str, str]:
        return {key.decode(): value.decode() for key, value in self.redis.hgetall(keys.lease(slug)).items()}

    def worker(self, name: str = "worker-1") -> Connections:
        """A worker process' connections, on the running event loop."""
        return Connections(
            redis=redis.asyncio.Redis.from_url(self.url, socket_timeout=5),
            clock=self.clock,
            owner=name,
            open_venue=lambda markets, account, clock: self.venues[account],
            code_version="test",
            database=DatabaseThreads(2),
        )

    async def tick(self, worker: Connections, *, fresh: bool = True, step_s: float = 1.0) -> dict[str, str]:
        """Let one second pass (publishing fresh data unless told otherwise) and run that second's tick."""
        self.clock.advance(step_s)
        if fresh:
            for slug in (DEX, CEX):
                self.redis.exists(keys.market_view(slug)) and self.publish(slug)
        return await run_tick(worker, Tick(0, 1, self.clock.now_ns() // 1_000_000_000, 1.0))


@contextmanager
def demo_world(url: str) -> Iterator[World]:
    world = World(url)
    declare_two_markets(to_datetime(world.clock.now_ns()))
    yield world
    world.redis.close()
