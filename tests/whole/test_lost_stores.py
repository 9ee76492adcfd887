"""Each store lost under the running system: rebuilt from the other store and the venues, and the venues' own books agree."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import redis

from dcmm_portal.chaos.books import read_books, watched_markets
from dcmm_portal.chaos.observer import Observer
from dcmm_portal.chaos.strikes import Striker, descendants
from dcmm_portal.chaos.venue_door import open_doors
from dcmm_portal.chaos.verdict import Conditions, Evidence, report
from tests.support.servers import wait_until
from tests.whole.installation import Installation

pytestmark = pytest.mark.whole
AGAIN_WITHIN_S = 60.0
# A cycle that was under way when the store went may still send what it had decided and reserved.
UNDER_WAY_S = 4.0


@dataclass
class Watched:
    """The system with somebody looking on; `began` is when that began."""

    system: Installation
    observer: Observer
    striker: Striker
    began: datetime

    def ask(self, query: str, *values: object) -> Any:
        """The first column of the first row, from PostgreSQL."""
        url = self.system.addresses()["DATABASE_URL"]
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def quotes_since(self, since_ns: int) -> bool:
        cycles = [self.system.last_cycle(market.slug) for market in self.observer.markets]
        return all(one and one["at_ns"] > since_ns and one["outcome"] in ("quoting", "one_sided") for one in cycles)

    def until_quoting(self, since_ns: int) -> None:
        wait_until(lambda: self.quotes_since(since_ns), AGAIN_WITHIN_S, "quotes on every market", 0.2)

    def assert_nothing_was_sent_before_the_comparison(self, lost_ns: int) -> None:
        """Per market: the first new order is later than the first report of its account after the loss."""
        lost = datetime.fromtimestamp(lost_ns / 1e9, UTC)
        query = (
            "SELECT count(*) FROM orders o JOIN markets m ON m.id = o.market_id WHERE o.created_at > %s AND o.created_at <"
            " (SELECT min(r.at) FROM reconciliation_reports r WHERE r.account_id = m.account_id AND r.at > %s)"
        )
        assert self.ask(query, datetime.fromtimestamp(lost_ns / 1e9 + UNDER_WAY_S, UTC), lost) == 0


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    system = Installation(SANDBOX_SPEED="2")
    try:
        system.start()
        wait_until(system.is_quoting, 90, "quotes on every market", 0.5)
        doors, markets = open_doors(system), watched_markets(system)
        made = Watched(system, Observer(system, doors, markets), Striker(system, doors), datetime.now(UTC))
        made.observer.begin()
        yield made
        made.observer.end()
    finally:
        system.remove()


def test_1_redis_is_emptied_while_everything_runs(watched: Watched) -> None:
    wait_until(watched.observer.has_order, 30, "an order of ours", 0.2)
    with redis.Redis.from_url(watched.system.addresses()["REDIS_URL"], socket_timeout=5) as client:
        lost_ns = time.time_ns()
        client.flushall()
    watched.until_quoting(lost_ns + round(UNDER_WAY_S * 1e9))
    watched.assert_nothing_was_sent_before_the_comparison(lost_ns)


def test_2_redis_is_killed(watched: Watched) -> None:
    wait_until(watched.observer.has_order, 30, "an order of ours", 0.2)
    before = watched.system.processes()["valkey"]
    os.kill(before, signal.SIGKILL)
    lost_ns = time.time_ns()
    wait_until(lambda: watched.system.processes().get("valkey", before) != before, 15, "a new valkey", 0.1)
    watched.until_quoting(lost_ns)


def test_3_redis_is_killed_and_its_disk_is_gone(watched: Watched) -> None:
    wait_until(watched.observer.has_order, 30, "an order of ours", 0.2)
    before = watched.system.processes()["valkey"]
    for path in (watched.system.data_dir / "valkey").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    os.kill(before, signal.SIGKILL)
    lost_ns = time.time_ns()
    wait_until(lambda: watched.system.processes().get("valkey", before) != before, 15, "a new valkey", 0.1)
    watched.until_quoting(lost_ns + round(UNDER_WAY_S * 1e9))
    watched.assert_nothing_was_sent_before_the_comparison(lost_ns)


def test_4_the_database_stands_still_and_quotes_go_by_rule(watched: Watched) -> None:
    pid = watched.system.processes()["postgres"]
    family = [pid, *descendants(pid)]
    stopped_ns = time.time_ns()
    for each in family:
        os.kill(each, signal.SIGSTOP)
    try:
        wait_until(
            lambda: all(
                (one := watched.system.last_cycle(market.slug)) and one["at_ns"] > stopped_ns and one["outcome"] != "quoting"
                for market in watched.observer.markets
            ),
            30, "no market quoting", 0.1,
        )  # fmt: skip
        wait_until(lambda: not watched.observer.has_order(), 20, "no order of ours at the venues", 0.2)
    finally:
        for each in family:
            os.kill(each, signal.SIGCONT)
    watched.until_quoting(time.time_ns())


def test_5_the_venues_own_books_equal_the_ledger(watched: Watched) -> None:
    wait_until(lambda: watched.ask("SELECT count(*) FROM fills") >= 5, 300, "five fills", 1)
    wait_until(lambda: watched.system.reconcile()["equal"], 90, "ledger and venue equal", 1)
    found: dict[str, Any] = {}

    def agrees() -> bool:
        exports = {name: door.export() for name, door in watched.striker.doors.items()}
        books = read_books(watched.system, watched.began)
        evidence = Evidence(
            watched.observer.markets,
            books,
            exports,
            watched.observer,
            watched.striker,
            watched.system.console,
            (),
            True,
        )
        found.update(report(evidence, Conditions(fills=0, each=0, uptime=0.0)))
        return bool(found["clean"])

    try:
        wait_until(agrees, 30, "books without a difference", 1)
    finally:
        print({name: found.get(name) for name in ("fills_venue", "fills_ledger", "lost", "reasons", "max_orphan_s")})
    assert found["fills_ledger"] == found["fills_venue"] >= 5
    assert (
        watched.ask("SELECT count(*) FROM locks WHERE lifted_at IS NULL AND rule IN ('desk_limit', 'asset_limit')") == 0
    )
