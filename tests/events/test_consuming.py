"""A consumer deals with each event once and in order, whatever is repeated, reordered, lost from the stream or interrupted."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from trading.events.consuming import deal_with
from trading.events.relay import as_message
from trading.events.services import EventDraft, record_many
from trading.models import Event, EventProgress, OutboxEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def recorded(count: int, aggregate: str = "market:a") -> list[dict[str, Any]]:
    """Messages as the relay publishes them."""
    with transaction.atomic():
        record_many([EventDraft(aggregate, "counted", {"n": number}, NOW) for number in range(1, count + 1)])
    entries = OutboxEntry.objects.filter(event__aggregate=aggregate).select_related("event").order_by("event_id")
    return [as_message(entry) for entry in entries]


class Dealt:
    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, event: Event) -> None:
        self.numbers.append(event.aggregate_seq)


@pytest.mark.django_db
def test_duplicates_and_reorders_change_nothing() -> None:
    messages, dealt, dice = recorded(20), Dealt(), random.Random(7)
    stirred = messages * 3
    dice.shuffle(stirred)
    counts = [deal_with("audit", message, dealt, from_the_start=True) for message in stirred]
    assert dealt.numbers == list(range(1, 21))
    assert sum(counts) == 20
    assert EventProgress.objects.get().aggregate_seq == 20


@pytest.mark.django_db
def test_what_the_stream_lost_is_not_missed() -> None:
    messages, dealt = recorded(6), Dealt()
    deal_with("audit", messages[0], dealt)
    assert deal_with("audit", messages[5], dealt) == 5
    assert dealt.numbers == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_a_new_consumer_begins_with_what_it_first_meets() -> None:
    messages, dealt = recorded(5), Dealt()
    for message in (messages[3], messages[1], messages[4]):
        deal_with("page", message, dealt)
    assert dealt.numbers == [4, 5]


@pytest.mark.django_db
def test_consumers_and_aggregates_have_their_own_progress() -> None:
    first, second = recorded(2), recorded(2, "market:b")
    dealt = {name: Dealt() for name in ("audit", "alerts")}
    for name, work in dealt.items():
        for message in (*first, *second):
            deal_with(name, message, work)
    assert [work.numbers for work in dealt.values()] == [[1, 2, 1, 2]] * 2
    assert EventProgress.objects.count() == 4


@pytest.mark.django_db
def test_work_that_fails_leaves_the_progress_as_it_was() -> None:
    messages, dealt = recorded(2), Dealt()

    def fail(event: Event) -> None:
        dealt(event)
        if event.aggregate_seq == 2:
            raise RuntimeError("died in between")

    with pytest.raises(RuntimeError):
        deal_with("audit", messages[1], fail, from_the_start=True)
    assert EventProgress.objects.count() == 0
    assert deal_with("audit", messages[1], dealt, from_the_start=True) == 2
    assert dealt.numbers == [1, 2, 1, 2]


def test_two_copies_of_a_consumer_do_it_once(committed_db: None) -> None:
    messages, dealt, together = recorded(10), Dealt(), threading.Barrier(2)

    def one() -> None:
        together.wait(10)
        try:
            for message in messages:
                deal_with("audit", message, dealt)
        finally:
            connection.close()

    copies = [threading.Thread(target=one) for _ in range(2)]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join(20)
    assert dealt.numbers == list(range(1, 11))
