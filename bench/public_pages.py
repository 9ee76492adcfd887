"""Server time of the public pages, JSON, CSV and feed with 10,000,000 fills against 100,000, each beside three years of sums,
through the whole of Django. Target: p99 below 50 ms, and within 1.3 times of the same page with few fills.

Both desks stand beside each other and are asked by turns, so that whatever else the machine does slows both. "kept": what a
process keeps for some seconds runs out among the requests as it does in use; "anew": everything kept is thrown away before each
request. CPU is that of the process and of its database's together, which other processes hardly touch.

`BENCH_FILLS` sets the larger number, `BENCH_ROUNDS` how often each page is asked, `BENCH_PAGES` a part of the
names of those that are asked.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FEW, MANY = 100_000, int(os.environ.get("BENCH_FILLS", "10000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))
WARM, AT_ONCE = 5, 10
BASE_DIR = Path(__file__).resolve().parent.parent
API = "/api/v1/public/"
_MARKET = "dct-usdt-dex"
_SERIES = f"{API}markets/{_MARKET}/series"
PAGES = {
    "first page": "/",
    "markets page": "/markets/",
    "market page, 24 h": f"/markets/{_MARKET}/?range=24h",
    "market page, all": f"/markets/{_MARKET}/?range=all",
    "chart page, depth, 24 h": f"/markets/{_MARKET}/depth-2/?range=24h",
    "chart page, P&L, all": f"/markets/{_MARKET}/pnl/?range=all",
    "changes page": "/changes/",
    "incidents page": "/incidents/",
    "restatements page": "/restatements/",
    "markets": f"{API}markets/",
    "markets.csv": f"{API}markets.csv",
    "history": f"{API}markets/{_MARKET}/history/?seconds=3600",
    "spread, 24 h": f"{_SERIES}/?metric=spread&range=24h",
    "depth, 24 h, CSV": f"{_SERIES}.csv?metric=depth_2&range=24h",
    "depth, 30 days": f"{_SERIES}/?metric=depth_1&range=30d",
    "volume, 90 days": f"{_SERIES}/?metric=volume&range=90d",
    "inventory, 1 year": f"{_SERIES}/?metric=inventory&range=1y",
    "P&L, all": f"{_SERIES}/?metric=pnl&range=all",
    "uptime, all, CSV": f"{_SERIES}.csv?metric=uptime&range=all",
    "parameters": f"{API}markets/{_MARKET}/parameters/",
    "incidents": f"{API}incidents/",
    "restatements": f"{API}restatements/",
    "feed": "/feed.xml",
}
MODES = ("kept", "anew")
# Milliseconds of each request: from the asker's clock, and of CPU.
Taken = list[tuple[float, float]]


def run() -> list[dict[str, Any]]:
    """Rows of results. A process of its own: it fills databases."""
    command = [sys.executable, "-m", "bench.public_pages"]
    done = subprocess.run(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True, timeout=5400)
    if done.returncode:
        raise RuntimeError("the benchmark of the public pages failed")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def filled(database: str, fills: int) -> None:
    """A database of the demonstration's markets with that many fills."""
    from bench import public_history
    from dcmm_portal.embedded import postgres
    from disclosures.transparency.rollups.roll import MINUTES_KEPT
    from tests.support.plugin import DATABASE_NAME, SERVERS

    postgres.create_database(SERVERS.cluster, SERVERS.postgres_port, database, template=DATABASE_NAME)
    superuser = SERVERS.database_url(database, postgres.SUPERUSER)
    took_s = public_history.fill(superuser, fills, MINUTES_KEPT)
    print(f"{fills} fills: filled in {took_s:.0f} s", file=sys.stderr, flush=True)


def refresh() -> None:
    """Hot state of this moment; both desks read the same."""
    from tests.pages import stage

    for slug in (stage.DEX, stage.CEX):
        stage.hot_market(slug, time.time_ns())


def serve(database: str, pipe: Connection) -> None:
    """One desk's process: takes (address, times, mode), gives back what each request took, until there is nothing to do."""
    from importlib import import_module

    from django.conf import settings
    from django.core.cache import caches
    from django.db import connection
    from django.test import Client

    from dcmm_portal.garbage import keep_loaded

    # As in use: what is only kept for looking at mistakes costs time.
    settings.DEBUG = False
    connection.close()
    connection.settings_dict["NAME"] = database
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        spent_by_database = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    client = Client(SERVER_NAME="localhost")
    # As dcmm_portal/asgi.py does.
    import_module("dcmm_portal.urls")
    keep_loaded()

    def cpu_ms() -> float:
        database_ns = int(spent_by_database.read_text().split()[0]) if spent_by_database.exists() else 0
        return time.process_time() * 1000 + database_ns / 1_000_000

    while (asked := pipe.recv()) is not None:
        address, times, mode = asked
        taken: Taken = []
        for _ in range(times):
            if mode == "anew":
                caches["default"].clear()
                caches["answers"].clear()
            began_s, cpu = time.perf_counter(), cpu_ms()
            answer = client.get(address)
            taken.append(((time.perf_counter() - began_s) * 1000, cpu_ms() - cpu))
            if answer.status_code != 200:
                raise RuntimeError(f"{address}: {answer.status_code}")
        pipe.send(taken)


def measured(few: Connection, many: Connection) -> dict[tuple[str, str], tuple[Taken, Taken]]:
    """By page and mode, what each request took with few fills and with many."""
    found = {}
    for name in PAGES:
        if os.environ.get("BENCH_PAGES", "") not in name:
            continue
        for mode in MODES:
            taken: tuple[Taken, Taken] = ([], [])
            for turn in range(1 + ROUNDS // AT_ONCE):
                refresh()
                for pipe, kept in zip((few, many), taken, strict=True):
                    pipe.send((PAGES[name], AT_ONCE if turn else WARM, mode))
                    kept += pipe.recv() if turn else pipe.recv()[:0]
            found[name, mode] = taken
            shown = [f"{statistics.median(took):.1f}/{_p99(took):.1f}" for took in _wall_and_cpu(taken)]
            print(f"{name}, {mode}: wall few, many; CPU few, many: {', '.join(shown)}", file=sys.stderr, flush=True)
    return found


def _wall_and_cpu(taken: tuple[Taken, Taken]) -> list[list[float]]:
    return [[one[part] for one in desk] for part in (0, 1) for desk in taken]


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def rows_of(found: dict[tuple[str, str], tuple[Taken, Taken]]) -> list[dict[str, Any]]:
    """Median and 99th percentile of the time and of the CPU with many fills, beside the same with few."""
    rows = []
    for (name, mode), taken in found.items():
        few, many, few_cpu, many_cpu = _wall_and_cpu(taken)
        for word, value, peer in (
            ("median", statistics.median(many), statistics.median(few)),
            ("p99", _p99(many), _p99(few)),
            ("CPU median", statistics.median(many_cpu), statistics.median(few_cpu)),
            ("CPU p99", _p99(many_cpu), _p99(few_cpu)),
        ):
            row = {"name": f"{name}, {mode}, {MANY} fills: {word}", "value": value, "unit": "ms"}
            rows.append(row | {"peer": f"{FEW} fills", "peer_value": peer, "ratio": value / peer})
    return rows


def main() -> None:
    """Measure, and print the rows as JSON."""
    from bench import throwaway

    try:
        from datetime import UTC, datetime

        from django.db import connections
        from rest_framework.throttling import ScopedRateThrottle

        from tests.pages import stage
        from tests.support.demo import declare_two_markets

        ScopedRateThrottle.THROTTLE_RATES = {**ScopedRateThrottle.THROTTLE_RATES, "public": None, "files": None}
        throwaway.emptied()
        declare_two_markets(datetime.now(UTC))
        connections.close_all()
        desks = {"bench_few": FEW, "bench_many": MANY}
        for database, fills in desks.items():
            filled(database, fills)
        for slug in (stage.DEX, stage.CEX):
            stage.put_history(slug, time.time_ns(), points=7000)
        pipes = [_started(database) for database in desks]
        print(json.dumps(rows_of(measured(*pipes))))
        for pipe in pipes:
            pipe.send(None)
    finally:
        throwaway.stop_servers()


def _started(database: str) -> Connection:
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("fork").Process(target=serve, args=(database, theirs), daemon=True).start()
    # Else nobody would hear that the process has died.
    theirs.close()
    return ours


if __name__ == "__main__":
    main()
