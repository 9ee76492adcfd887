"""Everything works through a transaction pooler: nothing relies on the state of a session."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client

from governance.access.roles import Role
from tests.ledger.desk import NOW, D, entries, fill
from tests.pages import stage
from tests.quoting.world import CEX, DEX, World, demo_world
from tests.support.plugin import DATABASE_NAME
from tests.support.pooler import SERVER_CONNECTIONS, Pooler
from tests.support.servers import BASE_DIR, TestServers
from trading.clock import FakeClock, to_datetime
from trading.controls.services import Actor, set_state
from trading.events.relay import Relay
from trading.events.services import record
from trading.hot_state import decisions, keys
from trading.hot_state.connection import sync_client
from trading.ledger.own_books import Since, read_own_books
from trading.ledger.persist import persist_state
from trading.ledger.services import apply_batch
from trading.models import Decision, Event, Fill, LeaseEpoch, Order, OutboxEntry, Position, TradingControl
from trading.quoting.decision_writer import DecisionWriter


@pytest.fixture(scope="module")
def pooler(servers: TestServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    made = Pooler(servers, tmp_path_factory.mktemp("pooler"))
    yield made
    made.stop()


@pytest.fixture
def pooled(committed_db: None, valkey: str, pooler: Pooler) -> Iterator[Pooler]:
    """The worker's database through the pooler; what the test did really went through it."""
    sync_client.cache_clear()
    before = pooler.transactions(DATABASE_NAME)
    with pooler.between():
        yield pooler
    assert pooler.transactions(DATABASE_NAME) > before


@pytest.fixture
def world(pooled: Pooler, redis_url: str) -> Iterator[World]:
    with demo_world(redis_url) as made:
        yield made


def test_the_pooler_stands_between_and_shares_its_server_connections(pooled: Pooler) -> None:
    pids = set()

    def work(_: int) -> None:
        try:
            for _ in range(10):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    pids.add(cursor.fetchone()[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert connection.settings_dict["PORT"] == str(pooled.port)
    assert 1 <= len(pids) <= SERVER_CONNECTIONS


def test_fills_are_booked_by_several_at_once(world: World) -> None:
    batches = [entries(*(fill(f"{n}-{k}", size="10") for k in range(20))) for n in range(6)]

    def book(number: int) -> None:
        try:
            apply_batch(batches[number], NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(book, range(6)))
    assert Position.objects.get(market__slug=DEX).q == D(1200)
    assert Fill.objects.count() == 120
    assert Event.objects.filter(type="fill.booked", aggregate=f"market:{DEX}").count() == 120


def test_cycles_get_epochs_pass_the_gate_and_are_recorded(world: World) -> None:
    world.ready()

    async def quote() -> None:
        worker = world.worker()
        for _ in range(3):
            await world.tick(worker)
        await worker.close()

    asyncio.run(quote())
    assert world.status(DEX).outcome == world.status(CEX).outcome == "quoting"
    assert Order.objects.filter(status="LIVE").count() == 4
    assert LeaseEpoch.objects.count() == 2
    decisions.ensure_group(sync_client())
    writer = DecisionWriter(sync_client(), world.clock)
    assert writer.step(block_ms=1) > 0
    assert Decision.objects.exists()


def test_the_relay_empties_the_outbox(world: World) -> None:
    for number in range(5):
        with transaction.atomic():
            record("market:dct-usdt-dex", "counted", {"n": number}, occurred_at=NOW)
    waiting = OutboxEntry.objects.count()
    relay = Relay(FakeClock())
    try:
        assert relay.publish_some() == waiting
    finally:
        relay.close()
    assert (OutboxEntry.objects.count(), sync_client().xlen(keys.EVENT_STREAM)) == (0, waiting)


def test_two_relays_take_turns(world: World) -> None:
    """Their turn is a lock of the transaction: one of the session would stay with the pooler's connection."""
    for number in range(40):
        with transaction.atomic():
            record("market:dct-usdt-dex", "counted", {"n": number}, occurred_at=NOW)
    waiting = OutboxEntry.objects.count()
    start = threading.Barrier(2)

    def publish(_: int) -> int:
        relay, count = Relay(FakeClock()), 0
        try:
            start.wait(10)
            while OutboxEntry.objects.exists():
                count += relay.publish_some()
        finally:
            relay.close()
            connection.close()
        return count

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(publish, range(2)))
    assert sum(counts) == waiting == sync_client().xlen(keys.EVENT_STREAM)


def test_the_ledgers_side_of_a_reconciliation_is_read_as_of_one_moment(world: World) -> None:
    apply_batch(entries(fill("1", size="10"), fill("2", size="20")), NOW)
    books = read_own_books("dex-desk", Since())
    assert (len(books.fills), books.markets[0].q) == (2, Decimal(30))
    # The isolation level ended with its transaction: the next one on this server connection may write.
    apply_batch(entries(fill("3", size="5")), NOW)
    assert Position.objects.get(market__slug=DEX).q == D(35)


def test_commands_locks_and_snapshots(world: World) -> None:
    actor = Actor("7", "Aishath", frozenset({"operator"}))
    now = to_datetime(world.clock.now_ns())
    for _ in range(2):
        set_state(DEX, "PAUSED", actor=actor, reason="through the pooler", idempotency_key="once", now=now)
    assert TradingControl.objects.get(scope=DEX).version == 2
    world.ready()
    persist_state(to_datetime(world.clock.now_ns()) + timedelta(seconds=1))


def test_the_owner_migrates_and_grants(pooled: Pooler) -> None:
    environment = os.environ | {"DCMM_DB_ROLE": "owner", "DATABASE_OWNER_URL": pooled.url(DATABASE_NAME)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_pages_and_api_answer(world: World) -> None:
    world.ready()
    client = Client()
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/public/markets/").status_code == 200
    stage.sign_in(client, stage.person("operator", Role.OPERATOR))
    assert client.get("/desk/").status_code == 200
    assert client.get("/admin/trading/fill/").status_code == 200
