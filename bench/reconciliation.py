"""What a comparison of an account with its venue costs, with 1,000 and with 100,000 fills of history behind it.

The sandbox venue over its HTTP interface, the ledger in PostgreSQL, both with the same fills. The minute's comparison reads what
came since an equal one of ten minutes ago, and should cost the same in both; the whole history is read once a day.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from decimal import Decimal
from typing import Any

from bench.throwaway import emptied

HISTORIES = (1_000, 100_000)
IN_WINDOW, PASSES = 20, 5
AIM_S = 5.0
PRICE = Decimal("0.26935")
BATCH = 500


def run() -> list[dict[str, Any]]:
    """Seconds: medians of the minute's comparison, and one of the whole history."""
    measured = {count: asyncio.run(_measure(count)) for count in _histories()}
    rows, least = [], min(measured)
    for count, (minute_s, whole_s) in measured.items():
        peer, peer_value = ("aim", AIM_S) if count == least else (f"with {least:,} fills", measured[least][0])
        rows.append(_row(f"reconciliation.minute, {count:,} fills of history", minute_s, peer, peer_value))
        rows.append(_row(f"reconciliation.whole history, {count:,} fills", whole_s))
    return rows


def _histories() -> tuple[int, ...]:
    """`BENCH_HISTORIES`: other sizes, separated by commas."""
    given = os.environ.get("BENCH_HISTORIES", "")
    return tuple(int(each) for each in given.split(",")) if given else HISTORIES


def _row(name: str, value: float, peer: str = "", peer_value: float | None = None) -> dict[str, Any]:
    ratio = value / peer_value if peer_value else None
    return {"name": name, "value": value, "unit": "s", "peer": peer, "peer_value": peer_value, "ratio": ratio}


async def _measure(count: int) -> tuple[float, float]:
    await asyncio.to_thread(_prepare)
    from tests.ledger.venue_setting import DEX, setting
    from trading.clock import SystemClock

    async with setting("dex") as here:
        here.clock = SystemClock()
        await here.catch_up()
        await here.buy(DEX, PRICE, Decimal(count + 10 * IN_WINDOW))
        for _ in range(count):
            here.trade(PRICE, Decimal(1))
        await _book(here)
        whole_s = await _timed(here, full=True)
        await asyncio.to_thread(_make_older, here.account)
        times = []
        for _ in range(PASSES):
            for _ in range(IN_WINDOW):
                here.trade(PRICE, Decimal(1))
            await here.catch_up()
            times.append(await _timed(here, full=False))
        return statistics.median(times), whole_s


async def _timed(here: Any, *, full: bool) -> float:
    began_s = time.perf_counter()
    report = await here.reconcile(full=full)
    if not report.equal:
        raise RuntimeError(f"ledger and venue differ: {report.differences[:3]}")
    return time.perf_counter() - began_s


async def _book(here: Any) -> None:
    """Bring the venue's history into the ledger, its cursor included, a page of `BATCH` fills at a time."""
    from trading.hot_state.incoming import AccountMarkets, raw_fill
    from trading.hot_state.values import CursorMove

    markets, cursor = AccountMarkets.of(here.refs.values()), ""
    while page := await here.venue.fetch_my_trades(None, cursor, BATCH):
        cursor = page[-1].cursor
        values = [raw_fill(fill, markets, "bench", time.time_ns()) for fill in page]
        await asyncio.to_thread(_apply, [*values, CursorMove(here.account, "fills", cursor)], here.now())


def _apply(values: list[Any], now: Any) -> None:
    from django.db import connection

    from trading.hot_state.connection import sync_client
    from trading.hot_state.inbox import InboxEntry
    from trading.ledger.processing import publish
    from trading.ledger.services import apply_batch

    try:
        outcome = apply_batch([InboxEntry(f"{number}-0", value) for number, value in enumerate(values)], now)
        publish(sync_client(), outcome)
    finally:
        connection.close()


def _prepare() -> None:
    emptied()
    from django.db import connection

    from tests.ledger.desk import NOW
    from trading.registry.services import declare_demo_desk

    declare_demo_desk(NOW)
    connection.close()


def _make_older(account: str) -> None:
    """The equal reading again, as one of eleven minutes ago: a window starts at such a one."""
    from datetime import timedelta

    from django.db import connection

    from trading.models import ReconciliationReport

    last = ReconciliationReport.objects.filter(account__slug=account).latest("at")
    last.pk, last.at = None, last.at - timedelta(minutes=11)
    last.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does after such a load
    connection.close()
