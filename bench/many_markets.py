"""Many markets of the demonstration's kind on one scripted venue, for the load of a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from trading.clock import SystemClock, to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import async_client
from trading.hot_state.reconciled import mark_reconciled
from trading.hot_state.values import HotBalance, HotBalances, HotLevel, HotPosition, MarketView
from trading.quoting.connections import Connections
from trading.venues.interface import MarketInfo, VenueKind

ACCOUNT = "bench-desk"
_zero = Decimal(0)


async def declare(count: int, make_venue: Callable[..., Any]) -> tuple[Connections, list[str]]:
    """Markets, parameters, controls in PostgreSQL; positions, balances, rules in Redis; a worker's connections."""

    slugs = [f"bench-{count}-{number}" for number in range(count)]
    clock = SystemClock()
    await asyncio.to_thread(_rows, slugs, f"{ACCOUNT}-{count}", to_datetime(clock.now_ns()))
    venue = make_venue(clock, ACCOUNT)
    connections = Connections(async_client(), clock, "bench", lambda *_: venue, code_version="bench")
    await connections.redis.flushdb()
    account = f"{ACCOUNT}-{count}"
    await asyncio.to_thread(mark_reconciled, account)
    for slug in slugs:
        await connections.redis.set(
            keys.position(slug), encode(HotPosition(slug, 1, _zero, _zero, _zero, _zero, _zero, 0))
        )
        info = MarketInfo(
            slug, slug, VenueKind.ORDER_BOOK, "dct", "usdt", Decimal("0.000001"), Decimal(1), Decimal(1), Decimal(1),
            Decimal("0.0001"), Decimal("0.0005"), False, None, None,
        )  # fmt: skip
        await connections.redis.hset(keys.market_info(account), slug, encode(info))
    return connections, slugs


def _rows(slugs: Sequence[str], account_slug: str, now: Any) -> None:
    from django.db import connection

    from trading.models import Asset, Market, Position, TradingControl, Venue, VenueAccount
    from trading.parameters.schema import DEFAULTS
    from trading.parameters.services import apply_version

    for one in ("dct", "usdt"):
        Asset.objects.get_or_create(id=one, defaults={"name": one})
    Market.objects.update(is_active=False)
    venue, _ = Venue.objects.get_or_create(slug="bench", defaults={"name": "b", "kind": "order_book", "adapter": "x"})
    account = VenueAccount.objects.create(venue=venue, slug=account_slug)
    values = DEFAULTS | {"refresh_interval_s": "0.1"}
    for scope in ("desk", *slugs):
        TradingControl.objects.get_or_create(
            scope=scope, defaults={"state": "ACTIVE", "reason": "bench", "changed_at": now}
        )
    for slug in slugs:
        market = Market.objects.create(
            slug=slug, account=account, base_id="dct", quote_id="usdt", venue_symbol=slug, lot_size=Decimal(1000)
        )
        apply_version(market, values, authorised_by="bench", actor_id="b", actor_name="b", reason="bench", now=now)
        Position.objects.create(market=market, updated_at=now)
    connection.close()


async def publish(connections: Connections, slugs: Sequence[str], moving: Sequence[str], mid: Decimal) -> None:
    """Fresh views of every market, at another price for those that move."""
    now_ns = time.time_ns()
    moved = set(moving)
    async with connections.redis.pipeline(transaction=False) as pipe:
        for slug in slugs:
            s = mid + (Decimal("0.0001") * (1 + now_ns // 1_000_000 % 7) if slug in moved else 0)
            levels = [Decimal("0.000001") * (1 + depth) for depth in range(20)]
            view = MarketView(
                slug=slug, published_ns=now_ns, book_seq=1, book_changed_ns=now_ns, book_ok=True,
                bids=tuple(HotLevel(s - d, Decimal(5000)) for d in levels),
                asks=tuple(HotLevel(s + d, Decimal(5000)) for d in levels),
                ext_bid=s - levels[0], ext_ask=s + levels[0], reference=s, reference_source="book", reference_age_s=0.0,
                rolling_mid=s, proof_age_s=0.0, sigma_raw=0.00005, sigma_effective=0.00005, regime="normal", is_warm=True,
                vol_samples=100, clock_skew_ms=0.0, venue_ns=now_ns,
            )  # fmt: skip
            pipe.set(keys.market_view(slug), encode(view))
        account, held = f"{ACCOUNT}-{len(slugs)}", HotBalance(Decimal(10**9), Decimal(10**9))
        pipe.set(keys.balances(account), encode(HotBalances(account, now_ns, {"dct": held, "usdt": held})))
        await pipe.execute()


async def close(connections: Connections) -> None:
    await connections.close()
