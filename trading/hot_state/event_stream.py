"""Published events: a capped stream for consumers inside the portal, and the wake-up call of the relay.

The stream carries an event at least once; a consumer keeps the highest event id it has dealt with per
aggregate and skips what is not above it (ids rise within an aggregate, and events of one aggregate come in
order).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client

EVENTS_KEPT = 10_000


def wake_relay() -> None:
    """Tell the relay that an event was committed."""
    sync_client().publish(keys.relay_wake(), b"1")


def publish_events(client: redis.Redis, events: Sequence[dict[str, Any]]) -> None:
    """Append events (JSON values) to the stream in the order given."""
    with client.pipeline(transaction=False) as pipe:
        for event in events:
            pipe.xadd(keys.EVENT_STREAM, {b"event": encode(event)}, maxlen=EVENTS_KEPT, approximate=True)
        pipe.execute()


class RelayAlarm:
    """Waits for the wake-up call. One per relay; not shared between threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._subscription = client.pubsub(ignore_subscribe_messages=True)

    def wait(self, timeout_s: float) -> bool:
        """True as soon as somebody calls, False after `timeout_s`; calls that came meanwhile count as one."""
        if not self._subscription.subscribed:
            self._subscription.subscribe(keys.relay_wake())
        called = self._subscription.get_message(timeout=timeout_s) is not None
        while called and self._subscription.get_message(timeout=0.0) is not None:
            pass
        return called

    def close(self) -> None:
        """Give the connection back."""
        self._subscription.close()
