"""How many markets one worker's loop carries: cycles that start more than half an interval late, and how long a tick takes.

A tenth of the markets replaces both quotes at every tick. Real PostgreSQL and Valkey; the venue answers at once and in memory, so
that what is measured is ours: snapshot, decision, gate, reservation, record.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bench.throwaway import emptied
from tests.quoting.scripted_venue import ScriptedVenue

SECONDS = 10
WARM_UP_TICKS = 3
GRIDS = ((100, 1.0), (10, 0.1))
MID = Decimal("0.2700")


def run() -> list[dict[str, Any]]:
    """For each number of markets and tick: share of late cycles and the time a tick's cycles take."""
    rows: list[dict[str, Any]] = []
    for markets, tick_s in GRIDS:
        emptied()
        late, failed, spans = asyncio.run(_measure(markets, tick_s))
        name = f"markets_per_worker.{markets} at {tick_s:g} s"
        rows.append(_row(f"{name}: cycles late", late * 100, "%", "allowed", 0.1))
        rows.append(_row(f"{name}: cycles failed", failed * 100, "%", "allowed", 0.1))
        rows.append(
            _row(f"{name}: tick's cycles done in", statistics.median(spans) * 1e3, "ms", "interval", tick_s * 1e3)
        )
    return rows


def _row(name: str, value: float, unit: str, peer: str, peer_value: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value,
    }


async def _measure(count: int, tick_s: float) -> tuple[float, float, list[float]]:
    """(share of cycles that started over half an interval late, share that failed, seconds of every tick's cycles)."""
    from bench.many_markets import close, declare, publish
    from trading.quoting import shard as shard_module
    from trading.quoting.shard import run_tick
    from trading.quoting.ticks import Tick

    connections, slugs = await declare(count, lambda clock, account: ScriptedVenue(clock, account))
    starts: list[float] = []
    failed: list[bool] = []
    run_cycle = shard_module.run_cycle

    async def noting(held: Any, due: Any) -> str:
        starts.append((time.time_ns() - due.slot_ns) / 1e9)
        outcome = await run_cycle(held, replace(due, tick_s=tick_s))
        failed.append(outcome == "error")
        return outcome

    shard_module.run_cycle = noting
    spans: list[float] = []

    async def one_tick(slot: int, number: int) -> None:
        moving = [slug for index, slug in enumerate(slugs) if index % 10 == number % 10]
        await publish(connections, slugs, moving, MID)
        began_s = time.perf_counter()
        await run_tick(connections, Tick(0, 1, slot, tick_s))
        spans.append(time.perf_counter() - began_s)

    try:
        for number in range(WARM_UP_TICKS):  # leases are taken, the first quotes placed
            await one_tick(int(time.time() / tick_s), number)
            await asyncio.sleep(tick_s)
        starts.clear()
        failed.clear()
        spans.clear()
        first, ticks = int(time.time() / tick_s) + 2, []
        for number in range(round(SECONDS / tick_s)):
            await asyncio.sleep(max(0.0, (first + number) * tick_s - time.time()))
            ticks.append(asyncio.create_task(one_tick(first + number, number)))
        await asyncio.gather(*ticks)
    finally:
        shard_module.run_cycle = run_cycle
        await close(connections)
    late = sum(1 for one in starts if one > tick_s / 2) / max(1, len(starts))
    return late, sum(failed) / max(1, len(failed)), spans
