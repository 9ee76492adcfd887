"""The relay: at least once, in order per aggregate, and nothing lost when what it publishes to is away."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis
from channels.layers import get_channel_layer
from django.db import connection, transaction

from tests.support.servers import wait_until
from trading.clock import FakeClock, SystemClock
from trading.events.loops import Loop, keep_running, loop_of, run_side_by_side
from trading.events.relay import GROUP, Relay
from trading.events.services import EventDraft, record, record_many
from trading.hot_state import connection as hot_connection
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.models import OutboxEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
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
