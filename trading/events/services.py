"""Writing events: one fact each, in the transaction of the change it tells of, with its entry in the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Max, Q

from trading.copying import NotInTransaction, copy_rows
from trading.hot_state.codec import encode
from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.event_stream import wake_relay
from trading.locks import lock_aggregates
from trading.models import Event, OutboxEntry

log = structlog.get_logger(__name__)
INSERT_BATCH = 500


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event before it has its number. `aggregate` is kind and key, as in `market:dct-usdt-dex`."""

    aggregate: str
    type: str
    payload: Mapping[str, Any]
    occurred_at: datetime
    actor_id: str = ""
    actor_name: str = ""
    correlation_id: str = ""


def record(
    aggregate: str,
    type: str,
    payload: Mapping[str, Any],
    *,
    actor_id: str = "",
    actor_name: str = "",
    correlation_id: str = "",
    occurred_at: datetime,
) -> Event:
    """Write one event and its outbox entry; the relay is woken when the transaction commits.

    Money in `payload` may be `Decimal` (stored as a plain string), times `datetime` (ISO). Takes the
    aggregate's lock, the last in the lock order (trading/locks.py). Raises `NotInTransaction`.
    """
    draft = EventDraft(aggregate, type, payload, occurred_at, actor_id, actor_name, correlation_id)
    return record_many([draft])[0]


def record_many(drafts: Sequence[EventDraft]) -> list[Event]:
    """Write several events in the order given, numbered per aggregate without a gap. Raises `NotInTransaction`."""
    events = [_event(draft, number) for draft, number in _numbered(drafts)]
    if not events:
        return []
    # One statement per INSERT_BATCH rows; ids come back in the order of the rows, so they rise with the numbers.
    Event.objects.bulk_create(events, batch_size=INSERT_BATCH)
    OutboxEntry.objects.bulk_create((OutboxEntry(event=event) for event in events), batch_size=INSERT_BATCH)
    transaction.on_commit(partial(_wake, len(events)), robust=True)
    return events


def record_set(drafts: Sequence[EventDraft]) -> None:
    """As `record_many` for a large set whose rows nobody needs back: two statements, whatever the number of events."""
    numbered = _numbered(drafts)
    if not numbered:
        return
    copy_rows(Event._meta.db_table, _COLUMNS, (_values(draft, number) for draft, number in numbered))
    first: dict[str, int] = {}
    for draft, number in numbered:
        first.setdefault(draft.aggregate, number)
    ranges = Q()
    for aggregate, number in first.items():
        ranges |= Q(aggregate=aggregate, aggregate_seq__gte=number)
    # Nobody else can have added to these aggregates: their locks are ours until the end of the transaction.
    ids = Event.objects.filter(ranges).order_by("id").values_list("id", flat=True)
    copy_rows(OutboxEntry._meta.db_table, ("event_id", "attempts", "last_error"), ((each, 0, "") for each in ids))
    transaction.on_commit(partial(_wake, len(numbered)), robust=True)


def _numbered(drafts: Sequence[EventDraft]) -> list[tuple[EventDraft, int]]:
    """Drafts with their numbers, under the locks of their aggregates."""
    if not connection.in_atomic_block:
        raise NotInTransaction("record() must run inside transaction.atomic(), with the change the event tells of")
    if not drafts:
        return []
    lock_aggregates(draft.aggregate for draft in drafts)
    last = _last_numbers({draft.aggregate for draft in drafts})
    numbered = []
    for draft in drafts:
        last[draft.aggregate] += 1
        numbered.append((draft, last[draft.aggregate]))
    return numbered


_COLUMNS = (
    "aggregate",
    "aggregate_seq",
    "type",
    "payload",
    "actor_id",
    "actor_name",
    "correlation_id",
    "occurred_at",
)


def _values(draft: EventDraft, number: int) -> tuple[Any, ...]:
    return (
        draft.aggregate,
        number,
        draft.type,
        encode(plain(draft.payload)).decode(),
        draft.actor_id,
        draft.actor_name,
        draft.correlation_id,
        draft.occurred_at,
    )


def _event(draft: EventDraft, number: int) -> Event:
    return Event(
        aggregate=draft.aggregate,
        aggregate_seq=number,
        type=draft.type,
        payload=plain(draft.payload),
        actor_id=draft.actor_id,
        actor_name=draft.actor_name,
        correlation_id=draft.correlation_id,
        occurred_at=draft.occurred_at,
    )


def _last_numbers(aggregates: Iterable[str]) -> dict[str, int]:
    # One index look-up each: the largest number of one aggregate is the end of its range of the unique index.
    last = {
        name: Event.objects.filter(aggregate=name).aggregate(last=Max("aggregate_seq"))["last"] for name in aggregates
    }
    return {name: number or 0 for name, number in last.items()}


def _wake(count: int) -> None:
    # The relay also looks by itself every 0.2 s: a Redis that is away costs latency, never an event.
    try:
        wake_relay()
    except HotStateUnavailable as problem:
        log.debug("relay_not_woken", events=count, problem=type(problem).__name__)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: `Decimal` as a plain decimal string, times in ISO, tuples as lists. Raises
    `TypeError`.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    raise TypeError(f"an event's payload cannot hold a {type(value).__name__}")


def plain_decimal(value: Decimal) -> str:
    """`value` without exponent and without trailing zeros: "0.25", "1200", "0"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
