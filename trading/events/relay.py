"""The relay: publishes the outbox, at least once, each aggregate in order, and forgets an event only after it
was published.

Consumers must be idempotent: an event may come again after a crash between publishing and deleting. Its `id`
is its identity; within an aggregate ids and `aggregate_seq` rise together, so remembering the last number per
aggregate is enough to skip repetitions.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import F

from trading import metrics
from trading.clock import Clock
from trading.events.outbox import measure_outbox
from trading.hot_state.connection import HotStateUnavailable, sync_client
from trading.hot_state.event_stream import RelayAlarm, publish_events
from trading.hot_state.market import beat_sync
from trading.models import OutboxEntry

log = structlog.get_logger(__name__)

PROCESS = "relay"
GROUP = "trading.events"
BATCH = 200
POLL_S = 0.2
SEND_TIMEOUT_S = 5.0
# One relay publishes at a time: two would each keep the order, but not between them.
TURN_LOCK = 7_301


class Relay:
    """Publishes until told to stop. `loop` belongs to the relay's thread and lives as long as it (so do its
    connections).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._client = sync_client()
        self._loop = asyncio.new_event_loop()

    def run(self, stop: threading.Event) -> None:
        """Publish whenever an event was committed, looking at least every 0.2 s. Raises what PostgreSQL or
        Redis raise.
        """
        alarm = RelayAlarm(self._client)
        try:
            while not stop.is_set():
                beat_sync(PROCESS, self._clock.now_ns())
                close_old_connections()
                published = self.publish_some()
                measure_outbox(self._clock.now_ns())
                if published < BATCH and not stop.is_set():
                    alarm.wait(POLL_S)
        finally:
            alarm.close()

    def close(self) -> None:
        """Close the event loop and the connections that live on it."""
        try:
            self._loop.run_until_complete(_close_layer())
        finally:
            self._loop.close()

    def publish_some(self) -> int:
        """Publish at most one batch and delete it from the outbox; how many. On failure all of it stays,
        counted.
        """
        event_ids: list[int] = []
        try:
            with transaction.atomic():
                if not _take_turn():
                    return 0
                entries = list(
                    OutboxEntry.objects.select_for_update(skip_locked=True, of=("self",))
                    .select_related("event")
                    .order_by("event_id")[:BATCH]
                )
                if not entries:
                    return 0
                event_ids = [entry.event_id for entry in entries]
                self._publish([as_message(entry) for entry in entries])
                OutboxEntry.objects.filter(event_id__in=event_ids).delete()
        except (OperationalError, InterfaceError):
            raise
        except Exception as problem:
            self._note_failure(event_ids, problem)
            raise
        metrics.EVENTS_RELAYED.inc(len(event_ids))
        return len(event_ids)

    def _publish(self, events: Sequence[dict[str, Any]]) -> None:
        publish_events(self._client, events)
        self._loop.run_until_complete(self._send(events))

    async def _send(self, events: Sequence[dict[str, Any]]) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        async with asyncio.timeout(SEND_TIMEOUT_S):
            for event in events:
                await layer.group_send(GROUP, {"type": "trading.event", "event": event})

    def _note_failure(self, event_ids: list[int], problem: Exception) -> None:
        kind = type(problem).__name__
        metrics.RELAY_FAILURES.labels(kind).inc()
        log.warning("relay_failed", problem=kind, events=len(event_ids))
        waiting = OutboxEntry.objects.filter(event_id__in=event_ids)
        waiting.update(attempts=F("attempts") + 1, last_error=f"{kind}: {problem}"[:300])


def as_message(entry: OutboxEntry) -> dict[str, Any]:
    """The event as it is published: JSON values only."""
    event = entry.event
    return {
        "id": event.pk,
        "aggregate": event.aggregate,
        "aggregate_seq": event.aggregate_seq,
        "type": event.type,
        "payload": event.payload,
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "correlation_id": event.correlation_id,
        "occurred_at": event.occurred_at.isoformat(),
    }


def _take_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN_LOCK])
        return bool(cursor.fetchone()[0])


async def _close_layer() -> None:
    layer = get_channel_layer()
    if layer is None or "flush" not in getattr(layer, "extensions", ()):
        return
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await layer.flush()
    except (OSError, RuntimeError, TimeoutError, HotStateUnavailable) as problem:
        log.debug("channel_layer_not_closed", problem=type(problem).__name__)


def run(stop: threading.Event, clock: Clock) -> None:
    """A relay from start to stop; raises what it cannot work without, for its supervisor to start it again."""
    relay = Relay(clock)
    try:
        relay.run(stop)
    finally:
        relay.close()
        connection.close()
