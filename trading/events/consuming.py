"""Dealing with published events exactly once in effect, though they come at least once and perhaps out of order.

A consumer's progress, the highest number per aggregate, moves in the transaction of what it does: dying in between repeats
neither. What was published is only the call: the events themselves are read from PostgreSQL, in order, so that one that comes
again is skipped, one that comes early brings what lies before it, and one that the capped stream lost is not missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from trading.locks import lock_progress
from trading.models import Event, EventProgress

# Of one aggregate in one transaction; a consumer that is further behind goes on with the next call.
MOST_AT_ONCE = 500


def deal_with(
    consumer: str, message: Mapping[str, Any], work: Callable[[Event], None], *, from_the_start: bool = False
) -> int:
    """Call `work` for every event of the message's aggregate that `consumer` has not dealt with, in order, up to the message's;
    how many that were.

    A consumer that never met the aggregate begins with this event, or with the aggregate's first one where it asks for that.
    `work` runs within the transaction: whatever it raises leaves the progress as it was, and the event comes again.
    """
    aggregate, wanted = str(message["aggregate"]), int(message["aggregate_seq"])
    with transaction.atomic():
        lock_progress(consumer, aggregate)
        row = EventProgress.objects.filter(consumer=consumer, aggregate=aggregate).first()
        done = row.aggregate_seq if row is not None else 0 if from_the_start else wanted - 1
        if wanted <= done:
            return 0
        waiting = Event.objects.filter(aggregate=aggregate, aggregate_seq__gt=done, aggregate_seq__lte=wanted)
        events = list(waiting.order_by("aggregate_seq")[:MOST_AT_ONCE])
        for event in events:
            work(event)
        if events:
            _move(row, consumer, aggregate, events[-1].aggregate_seq)
    return len(events)


def _move(row: EventProgress | None, consumer: str, aggregate: str, number: int) -> None:
    if row is None:
        EventProgress.objects.create(consumer=consumer, aggregate=aggregate, aggregate_seq=number)
    else:
        EventProgress.objects.filter(pk=row.pk).update(aggregate_seq=number)
