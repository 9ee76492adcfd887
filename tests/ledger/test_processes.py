"""`manage.py ledger` and `manage.py relay` as the supervisor runs them: they work, beat, and end on SIGTERM."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.desk import fill
from tests.support.servers import wait_until
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.models import Fill, OutboxEntry

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
        assert [process.wait(15) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
