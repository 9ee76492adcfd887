"""Fills per second through the single path, durable: append to the inbox, book in batches, commit, publish,
acknowledge.

The peer writes the same rows (fills, cash movements, events, outbox) into copies of the tables with psycopg's
`executemany`, committing as often as the ledger does, in the same run on the same server with `fsync` on.
Medians of three passes each.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILLS, PASSES, BATCH = 5_000, 3, 500
TABLES = ("fills", "cash_movements", "events", "outbox")
BASE_DIR = Path(__file__).resolve().parent.parent


def run() -> list[dict[str, Any]]:
    """Rows of results. A process of its own: Django's settings must name this benchmark's servers, not
    another's.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.fills"], cwd=BASE_DIR, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"the benchmark of fills failed:\n{done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def main() -> None:
    from dcmm_portal.embedded import postgres
    from dcmm_portal.supervisor.launch import free_port
    from tests.support.servers import TestServers

    servers = TestServers(Path(tempfile.mkdtemp(prefix="dcmm-b-")), free_port(), free_port())
    try:
        start_durable(servers)
        servers.clone("bench")
        os.environ.update(
            DATABASE_URL=servers.database_url("bench"),
            REDIS_URL=servers.redis_url(0),
            DATA_DIR=str(servers.root),
            SECRET_KEY="benchmark-only-0123456789-0123456789-0123456789",
            DEBUG="0",
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="dcmm_portal.settings",
        )
        import django

        django.setup()
        print(json.dumps(measure(servers.database_url("bench", postgres.OWNER_ROLE))))
    finally:
        servers.stop()
        shutil.rmtree(servers.root, ignore_errors=True)


def start_durable(servers: Any) -> None:
    """As the tests' servers, but with the durability that the running system has."""
    from dcmm_portal.embedded import postgres, valkey
    from tests.support.servers import wait_until

    postgres.initialise(servers.cluster)
    config = valkey.write_config(servers.root / "valkey", servers.root / "secrets", servers.valkey_port, durable=True)
    log = (servers.root / "servers.log").open("wb")
    for command in (postgres.server_command(servers.cluster, servers.postgres_port), valkey.server_command(config)):
        servers._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
    wait_until(lambda: postgres.answers(servers.cluster, servers.postgres_port), 30, "PostgreSQL")
    wait_until(lambda: valkey.answers(servers.redis_url(0)), 30, "Valkey")
    postgres.create_roles(servers.cluster, servers.postgres_port)
    servers.make_template()


def measure(owner_url: str) -> list[dict[str, Any]]:
    from trading.clock import SystemClock, to_datetime
    from trading.registry.services import declare_demo_desk

    declare_demo_desk(to_datetime(SystemClock().now_ns()))
    ours, path_only, peers = [], [], []
    through_path(200, "warm-up")
    for number in range(PASSES):
        appended_s, booked_s = through_path(FILLS, f"pass{number}")
        ours.append(FILLS / (appended_s + booked_s))
        path_only.append(FILLS / booked_s)
        peers.append(FILLS / executemany(owner_url, f"pass{number}"))
    peer = statistics.median(peers)
    name = "executemany of the same rows"
    return [
        result("fills_per_second", statistics.median(ours), name, peer),
        result("fills_per_second_from_inbox", statistics.median(path_only), name, peer),
    ]


def result(name: str, value: float, peer: str, peer_value: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": "fills/s",
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value,
    }


def through_path(count: int, label: str) -> tuple[float, float]:
    """Seconds to append `count` fills one by one, and to book them all."""
    from trading.clock import SystemClock, to_datetime
    from trading.hot_state import inbox
    from trading.hot_state.connection import sync_client
    from trading.ledger.processing import process_batch

    client, clock = sync_client(), SystemClock()
    inbox.ensure_group(client)
    fills = [made_fill(label, number) for number in range(count)]
    began_s = time.perf_counter()
    for fill in fills:
        inbox.append_fill(client, fill)
    appended_s = time.perf_counter()
    while entries := inbox.read_batch(client, "bench", count=BATCH, block_ms=1):
        process_batch(client, entries, to_datetime(clock.now_ns()))
    return appended_s - began_s, time.perf_counter() - appended_s


def made_fill(label: str, number: int) -> Any:
    from decimal import Decimal

    from trading.hot_state.values import RawFill

    return RawFill(
        market="dct-usdt-dex",
        venue="dex",
        account="dex-desk",
        symbol="DCT/USDT",
        trade_id=f"{label}-{number}",
        order_id=str(number // 3),
        client_order_id=f"m1b0e1c{number // 3}",
        side="buy" if number % 2 else "sell",
        price=Decimal("0.269350") + Decimal(number % 100) / 1_000_000,
        size=Decimal(1000 + number % 50),
        maker=True,
        fee=Decimal("0.01347"),
        fee_asset="usdt",
        venue_ns=time.time_ns(),
        source="stream",
        received_ns=time.time_ns(),
    )


def executemany(owner_url: str, label: str) -> float:
    """Seconds to write the rows that `label` left, by executemany into empty copies of the tables, a commit
    per batch.
    """
    import psycopg

    with psycopg.connect(owner_url, connect_timeout=5) as connection:
        batches = []
        for table in TABLES:
            connection.execute(f"DROP TABLE IF EXISTS peer_{table}")
            connection.execute(f"CREATE TABLE peer_{table} (LIKE {table} INCLUDING ALL)")
            batches.append(same_rows(connection, table, label))
        connection.commit()
        cursor = connection.cursor()
        began_s = time.perf_counter()
        for start in range(0, FILLS, BATCH):
            for table, (columns, rows, per_fill) in zip(TABLES, batches, strict=True):
                marks = ", ".join(["%s"] * columns)
                part = rows[start * per_fill : (start + BATCH) * per_fill]
                cursor.executemany(f"INSERT INTO peer_{table} VALUES ({marks})", part)
            connection.commit()
        return time.perf_counter() - began_s


def same_rows(connection: Any, table: str, label: str) -> tuple[int, list[tuple[Any, ...]], int]:
    """Width of the table, the rows that a pass left in it, and how many of them belong to a fill."""
    from psycopg.types.json import Jsonb

    condition = {
        "fills": "trade_id LIKE %s",
        "cash_movements": "key LIKE '%%|' || %s",
        "events": "payload->>'trade_id' LIKE %s",
        "outbox": "event_id IN (SELECT id FROM events WHERE payload->>'trade_id' LIKE %s)",
    }[table]
    order = "event_id" if table == "outbox" else "id"
    found = connection.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY {order}", [f"{label}-%"]).fetchall()
    rows = [tuple(Jsonb(each) if isinstance(each, dict) else each for each in row) for row in found]
    return len(rows[0]), rows, len(rows) // FILLS


if __name__ == "__main__":
    main()
