"""The relay: at least once, in order per aggregate, and nothing lost when what it publishes to is away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from channels.layers import get_channel_layer
from django.db import connection, transaction
from prometheus_client import REGISTRY

from tests.support.servers import wait_until
from trading.clock import FakeClock, SystemClock
from trading.events.loops import Loop, keep_running, loop_of, run_side_by_side
from trading.events.outbox import measure_outbox
from trading.events.relay import GROUP, Relay
from trading.events.services import EventDraft, record, record_many
from trading.hot_state import connection as hot_connection
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.models import OutboxEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE_DIR = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("committed_db", "fresh_client")


@pytest.fixture
def fresh_client(valkey: str) -> Iterator[None]:
    hot_connection.sync_client.cache_clear()
    yield
    hot_connection.sync_client().close()
    hot_connection.sync_client.cache_clear()


@pytest.fixture
def relay() -> Iterator[Relay]:
    made = Relay(FakeClock())
    yield made
    made.close()


def record_some(count: int) -> None:
    drafts = [EventDraft(f"market:{'ab'[n % 2]}", "counted", {"n": n}, NOW) for n in range(count)]
    with transaction.atomic():
        record_many(drafts)


def measured(name: str) -> float | None:
    return REGISTRY.get_sample_value(name)


def published() -> list[dict[str, object]]:
    return [json.loads(fields[b"event"]) for _, fields in sync_client().xrange(keys.EVENT_STREAM)]


def test_everything_is_published_in_order_and_taken_out(relay: Relay) -> None:
    record_some(450)
    counts = [relay.publish_some() for _ in range(4)]
    events = published()
    assert counts == [200, 200, 50, 0]
    assert [event["payload"] for event in events] == [{"n": n} for n in range(450)]
    assert [event["aggregate_seq"] for event in events if event["aggregate"] == "market:a"] == list(range(1, 226))
    assert OutboxEntry.objects.count() == 0


def test_a_page_in_the_channels_group_receives_it(relay: Relay) -> None:
    received: list[dict[str, object]] = []
    subscribed = threading.Event()

    async def listen() -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        subscribed.set()
        received.append(await asyncio.wait_for(layer.receive(channel), 10))
        await layer.flush()

    page = threading.Thread(target=asyncio.run, args=(listen(),))
    page.start()
    assert subscribed.wait(10)
    record_some(1)
    relay.publish_some()
    page.join(10)
    assert received[0]["type"] == "trading.event"
    assert received[0]["event"]["type"] == "counted"


def test_a_failing_channel_layer_loses_nothing(relay: Relay, settings) -> None:
    good = settings.CHANNEL_LAYERS
    record_some(3)
    bad = {"default": good["default"] | {"CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]}}}
    settings.CHANNEL_LAYERS = bad
    with pytest.raises(redis.ConnectionError):
        relay.publish_some()
    entry = OutboxEntry.objects.order_by("event_id").first()
    assert (OutboxEntry.objects.count(), entry.attempts) == (3, 1)
    assert "ConnectionError" in entry.last_error
    settings.CHANNEL_LAYERS = good
    assert relay.publish_some() == 3
    assert OutboxEntry.objects.count() == 0


def test_dying_after_publishing_repeats_rather_than_loses(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    record_some(2)

    class Died(BaseException):
        pass

    original = Relay._publish

    def publish_and_die(self: Relay, events: list[dict[str, object]]) -> None:
        original(self, events)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Relay, "_publish", publish_and_die)
        with pytest.raises(Died):
            relay.publish_some()
    assert relay.publish_some() == 2
    assert [event["aggregate_seq"] for event in published() if event["aggregate"] == "market:a"] == [1, 1]


def test_a_second_relay_waits_for_its_turn(relay: Relay) -> None:
    record_some(2)
    answers: list[int] = []

    def other() -> None:
        second = Relay(FakeClock())
        answers.append(second.publish_some())
        second.close()
        connection.close()

    with transaction.atomic():
        assert relay.publish_some() == 2  # its turn lasts until this transaction ends
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert answers == [0]
    assert len(published()) == 2


def test_two_relays_at_once_keep_the_order() -> None:
    """While events are still being written: whoever has its turn takes the oldest, and nobody publishes beside it."""
    stop, clock, failures = threading.Event(), SystemClock(), []

    def one() -> None:
        made = Relay(clock)
        try:
            while not stop.is_set():
                made.publish_some()
        except Exception as problem:
            failures.append(problem)
        finally:
            made.close()
            connection.close()

    relays = [threading.Thread(target=one) for _ in range(2)]
    for each in relays:
        each.start()
    try:
        for _ in range(30):
            record_some(30)
        wait_until(lambda: not OutboxEntry.objects.exists(), 30, "the outbox is empty")
    finally:
        stop.set()
        for each in relays:
            each.join(10)
    events = published()
    assert failures == []
    for aggregate in ("market:a", "market:b"):
        assert [event["aggregate_seq"] for event in events if event["aggregate"] == aggregate] == list(range(1, 451))


def test_a_relay_killed_between_publishing_and_forgetting_repeats_and_loses_nothing() -> None:
    """A process, killed for real after the stream has the events and before the outbox has forgotten them."""
    record_some(6)
    program = (
        "import os, signal, django; django.setup()\n"
        "from trading.clock import SystemClock\n"
        "from trading.events import relay\n"
        "publish = relay.Relay._publish\n"
        "def publish_and_die(self, events):\n"
        "    publish(self, events); os.kill(os.getpid(), signal.SIGKILL)\n"
        "relay.Relay._publish = publish_and_die\n"
        "relay.Relay(SystemClock()).publish_some()\n"
    )
    died = subprocess.run([sys.executable, "-c", program], timeout=60, cwd=BASE_DIR, env=dict(os.environ))
    assert died.returncode == -signal.SIGKILL
    assert (len(published()), OutboxEntry.objects.count()) == (6, 6)
    after = Relay(FakeClock())
    # The server gives the dead one's turn back as soon as it notices that its connection is gone.
    wait_until(lambda: after.publish_some() == 6, 20, "the turn is free")
    after.close()
    numbers = [event["aggregate_seq"] for event in published() if event["aggregate"] == "market:a"]
    assert (numbers, OutboxEntry.objects.count()) == ([1, 2, 3, 1, 2, 3], 0)


def test_the_lag_is_the_oldest_event_s_age_also_without_a_relay(relay: Relay) -> None:
    with transaction.atomic():
        record("market:a", "x", {}, occurred_at=NOW)
        record("market:b", "x", {}, occurred_at=NOW + timedelta(seconds=30))
    assert measure_outbox(round((NOW + timedelta(seconds=90)).timestamp() * 1e9)) == 90
    assert (measured("dcmm_outbox_lag_seconds"), measured("dcmm_outbox_entries")) == (90, 2)
    relay.publish_some()
    assert measure_outbox(round((NOW + timedelta(seconds=90)).timestamp() * 1e9)) == 0
    assert measured("dcmm_outbox_entries") == 0


def test_the_running_relay_publishes_within_a_second_and_stops() -> None:
    stop = threading.Event()
    from trading.events import relay as module

    clock = SystemClock()
    loops = [Loop("relay", lambda signal: module.run(signal, clock))]
    thread = threading.Thread(target=run_side_by_side, args=(loops, stop, clock))
    thread.start()
    try:
        with transaction.atomic():
            record("market:a", "x", {}, occurred_at=NOW)
        wait_until(lambda: len(published()) == 1, 5, "the event is published")
        wait_until(lambda: bool(sync_client().exists(keys.heartbeat("relay"))), 5, "a heartbeat")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_loop_that_fails_is_started_again() -> None:
    stop, runs = threading.Event(), []

    def work(signal: threading.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("once more")
        signal.set()

    keep_running(Loop("faulty", work), stop, SystemClock())
    assert len(runs) == 3


async def run(stop: asyncio.Event) -> None:
    """A coroutine loop, found by `loop_of` under this module's name."""
    await asyncio.wait_for(stop.wait(), 10)


def test_a_coroutine_loop_ends_with_the_stop_signal() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=loop_of(__name__).work, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
