"""A ledger that starts on an empty Redis: nobody knows what the inbox held, so the venues' history is asked for at once."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from tests.ledger.desk import NOW_NS
from tests.ledger.test_processing import run_consumer
from tests.support.servers import wait_until
from trading.clock import FakeClock
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.ledger import consumer
from trading.ledger.hot_positions import publish_positions

pytestmark = pytest.mark.usefixtures("committed_desk")


def test_a_ledger_started_on_a_flushed_redis_asks_for_the_history() -> None:
    client, stop = sync_client(), threading.Event()
    client.flushdb()
    thread = run_consumer(stop, FakeClock(NOW_NS))
    try:
        wait_until(lambda: client.lrange(keys.poll_request("dex-desk"), 0, -1) == [b"inbox_lost"], 20, "a poll request")
        assert client.exists(keys.INBOX_STREAM, keys.position("dct-usdt-dex")) == 2
    finally:
        stop.set()
        thread.join(10)


def test_a_start_that_fails_half_way_still_asks_for_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is there by then: nothing else would tell that the inbox was lost."""
    client, stop, failures = sync_client(), threading.Event(), [1]
    client.flushdb()

    def fail_once(*given: object) -> None:
        if failures:
            failures.pop()
            raise OperationalError("the database is away")
        publish_positions(*given)

    monkeypatch.setattr(consumer, "publish_positions", fail_once)
    thread = run_consumer(stop, FakeClock(NOW_NS))
    try:
        wait_until(lambda: client.llen(keys.poll_request("dex-desk")) == 1, 20, "a poll request")
        assert not failures
    finally:
        stop.set()
        thread.join(10)
