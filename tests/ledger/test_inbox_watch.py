"""A full inbox is measured while the database is away, and told as an event when it is back."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from tests.ledger.desk import NOW, NOW_NS, fill
from tests.ledger.test_processing import run_consumer
from tests.support.servers import wait_until
from trading import metrics
from trading.clock import FakeClock
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.ledger import consumer
from trading.ledger.inbox_watch import InboxWatch
from trading.ledger.processing import process_batch
from trading.models import Event, Fill

pytestmark = pytest.mark.usefixtures("committed_desk")


def hold(entries: int) -> None:
    client = sync_client()
    client.delete(keys.INBOX_STREAM)
    for number in range(entries):
        inbox.append_fill(client, fill(str(number)))


def told() -> list[tuple[str, int]]:
    events = Event.objects.filter(type__startswith="inbox.").order_by("id")
    return [(event.type, event.payload["entries"]) for event in events]


def used() -> float:
    return metrics.INBOX_USED_FRACTION.collect()[0].samples[0].value


def test_each_bound_is_told_once_on_the_way_up_and_the_end_once(settings: Any) -> None:
    settings.INBOX_BOUND = 100
    watch = InboxWatch()
    for step, entries in enumerate((10, 79, 80, 85, 100, 130, 95, 89, 85, 80, 73, 71, 75, 0)):
        hold(entries)
        watch.look(sync_client(), NOW + timedelta(seconds=step))
        watch.tell()
    assert told() == [("inbox.filling", 80), ("inbox.full", 100), ("inbox.filling", 89), ("inbox.drained", 71)]
    assert used() == 0
    last = Event.objects.filter(type="inbox.drained").get()
    assert (last.occurred_at, last.payload["bound"]) == (NOW + timedelta(seconds=11), 100)


def test_while_the_database_is_away_the_inbox_keeps_everything_and_all_lands_afterwards(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.INBOX_BOUND = 20
    client, stop, away = sync_client(), threading.Event(), threading.Event()
    away.set()

    def book(*given: Any) -> Any:
        if away.is_set():
            raise OperationalError("the database is away")
        return process_batch(*given)

    monkeypatch.setattr(consumer, "process_batch", book)
    clock = FakeClock(NOW_NS)
    thread = run_consumer(stop, clock)
    try:
        wait_until(lambda: client.exists(keys.INBOX_STREAM) == 1, 20, "the inbox")
        for number in range(25):
            inbox.append_fill(client, fill(str(number)))
        wait_until(lambda: used() == 1.25, 20, "the measure of a full inbox")
        assert (inbox.inbox_length(client), Fill.objects.count(), told()) == (25, 0, [])
        away.clear()
        wait_until(lambda: Fill.objects.count() == 25, 30, "every fill booked")
        clock.advance(10)
        wait_until(lambda: len(told()) == 2, 20, "both events")
        (full, drained) = told()
        assert full == ("inbox.full", 25)
        # Drained is told at the first measure below 80 % x 0.9 of the bound, which may find a fill or two still unbooked.
        assert drained[0] == "inbox.drained" and drained[1] < 14.4
        assert inbox.inbox_length(client) == 0
    finally:
        stop.set()
        thread.join(10)
