"""`manage.py market_data` as the process that it is: it says what is not configured, beats, and stops when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.market_data.serving import DEX, NOW
from trading.hot_state import market
from trading.registry.services import declare_demo_desk

ROOT = Path(__file__).resolve().parents[2]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.05)


def test_it_runs_unconfigured_and_stops_on_a_signal(committed_db: None, valkey: str) -> None:
    declare_demo_desk(NOW)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VENUE_")}
    command = [sys.executable, "manage.py", "market_data"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_for(lambda: "market_data" in market.heartbeats(), "a heartbeat")

        def told() -> bool:
            view = market.read_market_view_sync(DEX)
            return view is not None and view.problem == "not_configured"

        wait_for(told, "the problem in the view")
        asked_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        took_s = time.monotonic() - asked_s
    finally:
        process.kill()
    assert process.returncode == 0
    assert took_s < 3  # two seconds, and one for a busy machine
    assert "VENUE_DEX_URL" in output
    assert "Traceback" not in output
