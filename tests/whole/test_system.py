"""The whole system as a newcomer meets it: starts, quotes, fills, survives kills, stops clean, goes on where it was."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from tests.support.servers import wait_until
from tests.whole.installation import Installation, alive_with

pytestmark = pytest.mark.whole
MARKETS = {"dct-usdt-dex", "gram-usdt-cex", "eth-usdt-perp"}


@pytest.fixture(scope="module")
def system() -> Iterator[Installation]:
    installation = Installation()
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


def test_01_every_market_quotes_within_a_minute(system: Installation) -> None:
    markets: dict[str, Any] = {}

    def all_quote() -> bool:
        markets.update({row["slug"]: row for row in system.status()["markets"]})
        return set(markets) == MARKETS and all(row[one] for row in markets.values() for one in ("bid", "mid", "ask"))

    # What is looked at is the reading that they all quote in: a moment later one may be between two quotes.
    wait_until(all_quote, 60, "quotes on every market", 0.5)
    for row in markets.values():
        assert Decimal(row["bid"]) < Decimal(row["mid"]) < Decimal(row["ask"])
        assert row["feed_age_s"] < 3
        assert row["parameter_version"] == 1
    names = " ".join(row["name"] for row in system.status()["processes"] if row["up"])
    for part in ("worker", "beat", "market_data", "web", "postgres", "valkey", "sandbox"):
        assert part in names


def test_02_own_fills_come_and_the_ledger_equals_the_venues(system: Installation) -> None:
    wait_until(
        lambda: all(row["fills"] >= 1 for row in system.status()["markets"]), 300, "an own fill on each market", 2
    )
    report = system.reconcile()
    assert report["equal"], report["differences"]
    assert {row["slug"] for row in report["markets"]} == MARKETS
    assert all(row["venue_fills"] == row["ledger_fills"] >= 1 for row in report["markets"])
    assert all(Decimal(row["venue_position"]) == Decimal(row["ledger_position"]) for row in report["markets"])


@pytest.mark.parametrize(
    "name", ["worker-1", "beat", "market_data", "web", "relay", "ledger", "worker-2", "sandbox-dex"]
)
def test_03_after_a_kill_every_market_quotes_again_within_ten_seconds(system: Installation, name: str) -> None:
    wait_until(lambda: quoted_since(system, 0), 30, "quoting before the kill", 0.2)
    before = system.processes()[name]
    killed_ns = time.time_ns()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: system.processes().get(name, before) != before, 10, f"a new {name}", 0.05)
    wait_until(lambda: quoted_since(system, killed_ns), 10 - (time.time_ns() - killed_ns) / 1e9, "quoting again", 0.05)
    wait_until(lambda: all(row["open_orders"] <= 2 for row in system.status()["markets"]), 20, "one order a side", 0.5)


def quoted_since(system: Installation, since_ns: int) -> bool:
    """True when the last cycle of each market is later than `since_ns` and left quotes resting."""
    cycles = [system.last_cycle(slug) for slug in sorted(MARKETS)]
    return all(cycle and cycle["at_ns"] > since_ns and cycle["outcome"] in ("quoting", "one_sided") for cycle in cycles)


def test_04_after_the_kills_nothing_is_lost_or_doubled(system: Installation) -> None:
    report = system.reconcile()
    assert report["equal"], report["differences"]


def test_05_interrupt_stops_everything_and_cancels_own_orders(system: Installation) -> None:
    before = {row["slug"]: row for row in system.status()["markets"]}
    assert system.interrupt() < 15
    wait_until(lambda: alive_with(system.data_dir) == [], 5, "no process left")
    assert resting_orders(system) == 0
    system.start()
    wait_until(lambda: system.reconcile()["equal"], 30, "ledger and venue agree", 1)
    for row in system.status()["markets"]:
        assert row["fills"] >= before[row["slug"]]["fills"]


def resting_orders(system: Installation) -> int:
    """Own orders that the stopped venues' ledgers still show as resting."""
    total = 0
    for venue in ("dex", "cex"):
        path = system.data_dir / "sandbox" / venue / "exchange.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
            query = "SELECT count(*) FROM orders WHERE account = 'desk' AND status IN ('open', 'partially_filled')"
            total += ledger.execute(query).fetchone()[0]
    return total


def test_06_a_second_start_is_refused_clearly(system: Installation) -> None:
    done = system.manage("up", timeout_s=30)
    assert done.returncode != 0
    assert "already running on this DATA_DIR" in done.stderr


def test_07_an_occupied_port_is_named(system: Installation) -> None:
    other = Installation(PORT=str(system.port))
    try:
        done = other.manage("up", timeout_s=30)
        assert done.returncode != 0
        assert f"port {system.port} is in use" in done.stderr
    finally:
        other.remove()


def test_08_a_killed_supervisor_leaves_no_orphan(system: Installation) -> None:
    system.kill()
    wait_until(lambda: alive_with(system.data_dir) == [], 15, "no process left")
