"""A ledger that starts on an empty Redis: nobody knows what the inbox held, so the venues' history is asked for at once."""

from __future__ import annotations

import threading

import pytest

from tests.ledger.desk import NOW_NS
from tests.ledger.test_processing import run_consumer
from tests.support.servers import wait_until
from trading.clock import FakeClock
from trading.hot_state import keys
from trading.hot_state.connection import sync_client

pytestmark = pytest.mark.usefixtures("committed_desk")


def test_a_ledger_started_on_a_flushed_redis_asks_for_the_history_before_it_makes_its_group() -> None:
    client, stop = sync_client(), threading.Event()
    client.flushdb()
    thread = run_consumer(stop, FakeClock(NOW_NS))
    try:
        wait_until(lambda: client.exists(keys.INBOX_STREAM), 20, "the group is made")
        # In this order: a start that fails in between still owes the polls to the next one.
        assert client.llen(keys.poll_request("dex-desk")) == 1
        assert client.exists(keys.position("dct-usdt-dex"))
    finally:
        stop.set()
        thread.join(10)
