"""`manage.py ledger` and `manage.py relay` as the supervisor runs them: they work, beat, and end on SIGTERM."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.ledger.desk import NOW, fill
from tests.support.servers import wait_until
from trading.clock import SystemClock
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.ledger.persist import persist_before_stop
from trading.models import Fill, MmState, OutboxEntry, TradingControl
from trading.registry.selectors import active_markets

BASE_DIR = Path(__file__).resolve().parents[2]


def start(command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "manage.py", command], cwd=BASE_DIR, stdout=subprocess.DEVNULL)


@pytest.mark.usefixtures("committed_desk")
def test_a_fill_goes_through_both_processes_and_both_stop_in_order() -> None:
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    processes = [start("ledger"), start("relay")]
    try:
        wait_until(lambda: client.xlen(keys.EVENT_STREAM) == 1, 60, "the event is published")
        wait_until(lambda: OutboxEntry.objects.count() == 0, 20, "the outbox is empty")
        assert Fill.objects.count() == 1
        assert client.exists(keys.heartbeat("ledger"), keys.heartbeat("relay")) == 2
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait(10)


@pytest.mark.usefixtures("committed_desk")
def test_the_ledger_keeps_the_last_state_when_it_is_told_to_stop() -> None:
    for scope in ("desk", "dct-usdt-dex", "gram-usdt-cex"):
        TradingControl.objects.create(
            scope=scope, state="ACTIVE", reason="", actor_id="", actor_name="", changed_at=NOW
        )
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    process = start("ledger")
    try:
        wait_until(lambda: Fill.objects.count() == 1 and client.xlen(keys.INBOX_STREAM) == 0, 60, "the fill is booked")
        assert MmState.objects.count() == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
    row = MmState.objects.get(market__slug="dct-usdt-dex")
    assert (row.inventory, row.ledger_seq) == (100, 1)


@pytest.mark.usefixtures("committed_desk")
def test_a_store_that_does_not_answer_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr("trading.ledger.persist.active_markets", lambda: released.wait(60) and ())
    assert persist_before_stop(SystemClock(), within_s=0.05) is False
    released.set()
    monkeypatch.setattr("trading.ledger.persist.read_overviews", lambda _: {}["nothing"])
    monkeypatch.setattr("trading.ledger.persist.active_markets", active_markets)
    assert persist_before_stop(SystemClock(), within_s=30) is False
