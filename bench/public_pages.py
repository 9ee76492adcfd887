"""Server time of the public pages and JSON with 10,000,000 fills against 100,000, each beside three years of sums, through the
whole of Django. Target: p99 below 50 ms, and within 1.3 times of the same page with few fills.

`DCMM_BENCH_FILLS` sets the larger number, `DCMM_BENCH_ROUNDS` how often each page is asked. Rows are made in the database by its
owner, with triggers off: they are no desk's.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FEW, MANY = 100_000, int(os.environ.get("DCMM_BENCH_FILLS", "10000000"))
ROUNDS = int(os.environ.get("DCMM_BENCH_ROUNDS", "200"))
DAYS, MINUTE_DAYS, WARM = 1095, 90, 5
BASE_DIR = Path(__file__).resolve().parent.parent
API = "/api/v1/public/"
_SERIES = f"{API}markets/dct-usdt-dex/series"
PAGES = {
    "first page": "/",
    "markets": f"{API}markets/",
    "markets.csv": f"{API}markets.csv",
    "spread, 24 h": f"{_SERIES}/?metric=spread&range=24h",
    "depth, 30 days": f"{_SERIES}/?metric=depth_1&range=30d",
    "volume, 90 days": f"{_SERIES}/?metric=volume&range=90d",
    "inventory, 1 year": f"{_SERIES}/?metric=inventory&range=1y",
    "P&L, all": f"{_SERIES}/?metric=pnl&range=all",
    "uptime, all, CSV": f"{_SERIES}.csv?metric=uptime&range=all",
    "incidents": f"{API}incidents/",
    "feed": "/feed.xml",
}
_FILLS = """
INSERT INTO fills (market_id, venue, account, symbol, trade_id, order_id, client_order_id, side, price, size, maker, fee,
    fee_asset, fee_rate, parameter_version, mid_at_fill, source, ledger_seq, executed_at, booked_at)
SELECT (SELECT id FROM markets WHERE slug = CASE n %% 2 WHEN 0 THEN 'dct-usdt-dex' ELSE 'gram-usdt-cex' END),
    'dex', 'dex-desk', 'x', n::text, n::text, '', CASE n %% 4 WHEN 0 THEN 'buy' WHEN 1 THEN 'buy' ELSE 'sell' END,
    0.2365, 100, true, 0.0023, 'usdt', 1, 1, 0.2365, 'stream', n, at, at
FROM (SELECT n, now() - interval '1 day' * (%s.0 * n / %s) AS at FROM generate_series(1, %s) n) AS rows
"""
_COUNTED = (
    "cycles, two_sided_cycles, samples, our_spread_samples, market_spread_samples, depth_samples, active_samples, fills"
)
_SUMMED = (
    "quoting_s, our_spread_bps_sum, market_spread_bps_sum, depth_1_bid_quote, depth_1_ask_quote, depth_1_our_bid_quote, "
    "depth_1_our_ask_quote, bought_base, sold_base, base_change, cash_flow_quote, closing_reference_price"
)
_VALUES = "60, 58, 1, 1, 1, 1, 1, 9, 58, 4.06, 2.03, 5000, 5000, 500, 500, 900, 901, -1, 0.25, 0.2365"


def run() -> list[dict[str, Any]]:
    """Rows of results. A process of its own: it fills databases."""
    command = [sys.executable, "-m", "bench.public_pages"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise RuntimeError(f"the benchmark of the public pages failed:\n{done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def fill(fills: int) -> None:
    """The demonstration's registry, hot state, fills, and three years of sums."""
    import psycopg

    from tests.pages import stage
    from tests.support import plugin
    from tests.support.demo import declare_two_markets

    declare_two_markets(datetime.now(UTC))
    refresh()
    stage.put_history(stage.DEX, time.time_ns(), points=7000)
    owner = plugin.SERVERS.database_url(plugin.DATABASE_NAME, "dcmm_owner")
    with psycopg.connect(owner, autocommit=True) as connection:
        tables = ("fills", "market_minutes")
        for table in tables:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(_FILLS.replace("%s", "{}").format(DAYS, fills, fills).replace("%%", "%"))
        for table, unit, count in (
            ("rollup_minutes", "minute", MINUTE_DAYS * 1440),
            ("rollup_hours", "hour", DAYS * 24),
        ):
            connection.execute(
                f"INSERT INTO {table} (market_id, starts_at, {_COUNTED}, {_SUMMED}) SELECT m.id, at, {_VALUES} FROM markets m,"
                f" generate_series(date_trunc('{unit}', now()) - interval '{count} {unit}s', now(), interval '1 {unit}') at"
            )
        connection.execute(
            f"INSERT INTO rollup_days (market_id, day, starts_at, ends_at, {_COUNTED}, {_SUMMED}) SELECT m.id, day,"
            " day::timestamp AT TIME ZONE 'Indian/Maldives', (day + 1)::timestamp AT TIME ZONE 'Indian/Maldives',"
            f" {_VALUES} FROM markets m, LATERAL (SELECT (now() AT TIME ZONE 'Indian/Maldives')::date - n AS day"
            f" FROM generate_series(0, {DAYS}) n) days"
        )
        connection.execute(
            "INSERT INTO market_minutes (market_id, minute, cycles, two_sided, one_sided, spread_bps_sum)"
            f" SELECT m.id, at, 60, 58, 1, 1 FROM markets m, generate_series(date_trunc('minute', now())"
            f" - interval '{MINUTE_DAYS} days', now(), '1 minute') at"
        )
        connection.execute("INSERT INTO rollup_progress (id, closed_until, rolled_at) VALUES (1, now(), now())")
        connection.execute(
            "INSERT INTO restatements (market_id, bucket, starts_at, measure, before, after, causes, at)"
            " SELECT m.id, 'day', now() - n * interval '1 day', 'pnl_quote', 1, 2, 'fill', now() - n * interval '1 day'"
            " FROM markets m, generate_series(1, 1000) n"
        )
        connection.execute("VACUUM ANALYZE")
        for table in tables:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def refresh() -> None:
    """Hot state of this moment."""
    from tests.pages import stage

    for slug in (stage.DEX, stage.CEX):
        stage.hot_market(slug, time.time_ns())


def measured() -> dict[str, list[float]]:
    """Sorted milliseconds by page; what a process keeps for some seconds runs out among them as it does in use."""
    from django.core.cache import cache
    from django.test import Client

    cache.clear()
    client, found = Client(SERVER_NAME="localhost"), {}
    for name, address in PAGES.items():
        took = []
        for _ in range(WARM + ROUNDS):
            began_s = time.perf_counter()
            answer = client.get(address)
            took.append((time.perf_counter() - began_s) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{address}: {answer.status_code}")
        found[name] = sorted(took[WARM:])
    return found


def rows_of(few: dict[str, list[float]], many: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Each page's median and 99th percentile with many fills, beside the same with few."""
    rows = []
    for name in PAGES:
        for word, of in (("median", statistics.median), ("p99", lambda took: took[int(len(took) * 0.99)])):
            value, peer = of(many[name]), of(few[name])
            row = {"name": f"{name}, {MANY} fills: {word}", "value": value, "unit": "ms"}
            rows.append(row | {"peer": f"{FEW} fills", "peer_value": peer, "ratio": value / peer})
    return rows


def main() -> None:
    """Measure, and print the rows as JSON."""
    from bench import throwaway

    try:
        from rest_framework.throttling import ScopedRateThrottle

        ScopedRateThrottle.THROTTLE_RATES = {**ScopedRateThrottle.THROTTLE_RATES, "public": None, "files": None}
        found = []
        for fills in (FEW, MANY):
            throwaway.emptied()
            began_s = time.perf_counter()
            fill(fills)
            filled_s = time.perf_counter()
            found.append(measured())
            took_s = f"filled in {filled_s - began_s:.0f} s, measured in {time.perf_counter() - filled_s:.0f} s"
            print(f"{fills} fills: {took_s}", file=sys.stderr, flush=True)
        print(json.dumps(rows_of(*found)))
    finally:
        throwaway.stop_servers()


if __name__ == "__main__":
    main()
