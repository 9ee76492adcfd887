"""From the command to kill until the venue itself shows no order of ours: 100 and 1,000 orders, on both dialects, rate limits on.

The watchdog runs as its process runs it, the command is the one that every door calls. The sandbox's own book is the judge. The
peer of 1,000 orders is what the venue's published limit on cancels allows at best: a single request takes everything on the DEX,
the CEX takes 300 orders at once and 150 a second from there.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bench.throwaway import emptied

COUNTS = (100, 1_000)
AIM_S = 2.0
BURST, PER_S = 300, 150.0
GIVE_UP_S = 60.0
MARKETS = {"dex": ("dct-usdt-dex", "DCT/USDT", Decimal("0.2"), Decimal(100)),
           "cex": ("gram-usdt-cex", "GRAM/USDT", Decimal(3), Decimal(1))}  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Medians in seconds. `BENCH_KILL_SWITCH_ROUNDS`: how often each is measured (3)."""
    rounds = int(os.environ.get("BENCH_KILL_SWITCH_ROUNDS", "3"))
    rows = []
    for venue in MARKETS:
        for count in COUNTS:
            times = []
            for _ in range(rounds):
                emptied()
                times.append(asyncio.run(_measure(venue, count)))
            at_best = max(0.0, (count - BURST) / PER_S) if venue == "cex" else 0.0
            peer, peer_value = ("published rate limit", at_best) if at_best else ("aim", AIM_S)
            rows.append(_row(f"kill_switch.{count:,} orders on {venue}", statistics.median(times), peer, peer_value))
    return rows


def _row(name: str, value: float, peer: str, peer_value: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": "s",
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value,
    }


async def _measure(name: str, count: int) -> float:
    from tests.ledger.venue_setting import environ
    from trading.clock import SystemClock
    from trading.hot_state.connection import async_client
    from trading.orders.watchdog import Watchdog
    from trading.sandbox.server.testing import running_venue
    from trading.venues.factory import open_venue

    refs = [ref for ref in await asyncio.to_thread(_declared) if ref.account == f"{name}-desk"]
    async with running_venue(name, rate_scale=1.0) as sandbox:
        venue = open_venue(refs, f"{name}-desk", SystemClock(), environ=environ(name, sandbox))
        await venue.open()
        stop, client = asyncio.Event(), async_client()
        dog = Watchdog(venue, refs, client, SystemClock(), "bench")
        cycling = asyncio.create_task(_look_alive(client, refs[0].slug))
        watching = asyncio.create_task(dog.run(stop))
        try:
            await asyncio.sleep(1.0)  # it has read the states and found nothing to do
            _rest(sandbox, name, count)
            return await _kill(refs, sandbox)
        finally:
            stop.set()
            cycling.cancel()
            await asyncio.wait([watching, cycling], timeout=5)
            dog.database.close()
            await venue.close()
            await client.aclose()


async def _look_alive(client: Any, slug: str) -> None:
    """Cycles go on, as of a market that quotes: otherwise the watchdog would sweep it before the kill."""
    from trading.hot_state.cycle import write_cycle
    from trading.hot_state.values import CycleStatus

    while True:
        await write_cycle(client, CycleStatus(slug, time.time_ns(), "bench", "quoting", "", "active", ""))
        await asyncio.sleep(0.2)


def _rest(sandbox: Any, name: str, count: int) -> None:
    from trading.sandbox.types import OrderType, PlaceOrder, Side

    _, symbol, price, size = MARKETS[name]
    for number in range(count):
        order = PlaceOrder(symbol, Side.BUY, OrderType.LIMIT, price, size, f"m1b0e1c{number}")
        sandbox.exchange.place("desk", order, sandbox.clock.engine_ns())


async def _kill(refs: list[Any], sandbox: Any) -> float:
    began_s = time.perf_counter()
    killing = asyncio.create_task(asyncio.to_thread(_command, refs[0].slug))
    while sandbox.exchange.open_orders("desk"):
        if time.perf_counter() - began_s > GIVE_UP_S:
            raise RuntimeError("orders still rest a minute after the kill")
        await asyncio.sleep(0.005)
    took_s = time.perf_counter() - began_s
    await killing
    return took_s


def _command(slug: str) -> None:
    from django.db import connection

    from trading.controls.commands import Actor
    from trading.controls.kill import kill_switch

    try:
        kill_switch(
            slug, actor=Actor("bench", "bench", frozenset({"operator"})), reason="benchmark",
            idempotency_key=uuid.uuid4().hex, now=datetime.now(UTC),
            cancel_directly=lambda markets: {one.slug: None for one in markets},
        )  # fmt: skip
    finally:
        connection.close()


def _declared() -> tuple[Any, ...]:
    from django.db import connection

    from trading.registry.selectors import active_markets
    from trading.registry.services import declare_demo_desk

    try:
        declare_demo_desk(datetime.now(UTC))
        return active_markets()
    finally:
        connection.close()
