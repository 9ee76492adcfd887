"""How late what was told arrives: an event from its commit to the stream, a fill from the inbox to the committed position.

The relay and the ledger's consumer run as their processes run them, on real PostgreSQL and Valkey; one thing is sent after the
other, and then 200 at once.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from typing import Any

from bench.throwaway import emptied

SINGLE, BURST = 300, 200
SLUG = "dct-usdt-dex"


def run() -> list[dict[str, Any]]:
    """Milliseconds, p50 and p99."""
    emptied()
    _prepare()
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(stop,)) for work in (_relay, _ledger)]
    for thread in threads:
        thread.start()
    try:
        _outbox(SINGLE // 10)
        _inbox(SINGLE // 10, "warm-up")
        measured = {
            "outbox": _outbox(SINGLE),
            "inbox": _inbox(SINGLE, "single"),
            f"outbox, {BURST} at once": _outbox_burst(),
            f"inbox, {BURST} at once": _inbox_burst(),
        }
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    return [row for name, times in measured.items() for row in _rows(name, times)]


def _rows(name: str, times_ms: list[float]) -> list[dict[str, Any]]:
    parts = statistics.quantiles(times_ms, n=100)
    return [
        {"name": f"delay.{name}, {label}", "value": value, "unit": "ms", "peer": "", "peer_value": None, "ratio": None}
        for label, value in (("p50", parts[49]), ("p99", parts[98]))
    ]


def _prepare() -> None:
    from tests.ledger.desk import NOW
    from trading.hot_state import inbox
    from trading.hot_state.connection import sync_client
    from trading.registry.services import declare_demo_desk

    declare_demo_desk(NOW)
    inbox.ensure_group(sync_client())


def _relay(stop: threading.Event) -> None:
    from trading.clock import SystemClock
    from trading.events.relay import run as relay

    relay(stop, SystemClock())


def _ledger(stop: threading.Event) -> None:
    from django.db import connection

    from trading.clock import SystemClock
    from trading.ledger.consumer import LedgerConsumer

    try:
        LedgerConsumer(SystemClock(), stop).run()
    finally:
        connection.close()


# --- events -------------------------------------------------------------------------------------------------------------


class _Stream:
    """The published events of the benchmark from now on."""

    def __init__(self) -> None:
        from trading.hot_state.connection import sync_client

        self._client = sync_client()
        last = self._client.xrevrange(_stream_key(), count=1)
        self._at = last[0][0] if last else b"0"

    def next(self) -> list[int]:
        """Numbers of the events that came, waited for."""
        answer: Any = self._client.xread({_stream_key(): self._at}, block=5_000)
        if not answer:
            raise RuntimeError("no event was published within 5 s")
        entries = answer[0][1]
        self._at = entries[-1][0]
        events = [json.loads(fields[b"event"]) for _, fields in entries]
        return [event["payload"]["n"] for event in events if event["type"] == "benchmark"]


def _stream_key() -> str:
    from trading.hot_state import keys

    return keys.EVENT_STREAM


def _tell(numbers: range) -> float:
    """Commit events; the time of the commit."""
    from django.db import transaction

    from trading.clock import SystemClock, to_datetime
    from trading.events.services import EventDraft, record_many

    now = to_datetime(SystemClock().now_ns())
    with transaction.atomic():
        record_many([EventDraft("benchmark:delays", "benchmark", {"n": number}, now) for number in numbers])
    return time.perf_counter()


def _outbox(count: int) -> list[float]:
    stream, times = _Stream(), []
    for number in range(count):
        committed_s = _tell(range(number, number + 1))
        while number not in stream.next():
            pass
        times.append((time.perf_counter() - committed_s) * 1e3)
    return times


def _outbox_burst() -> list[float]:
    stream, times = _Stream(), list[float]()
    committed_s = _tell(range(BURST))
    while len(times) < BURST:
        arrived = stream.next()
        times += [(time.perf_counter() - committed_s) * 1e3] * len(arrived)
    return times


# --- fills --------------------------------------------------------------------------------------------------------------


def _fills() -> int:
    from trading.hot_state import inbox

    position = inbox.read_position_sync(SLUG)
    return position.fills if position else 0


def _inbox(count: int, label: str) -> list[float]:
    times = []
    for number in range(count):
        before = _fills()
        began_s = _append(label, number)
        _wait_for_more_than(before)
        times.append((time.perf_counter() - began_s) * 1e3)
    return times


def _inbox_burst() -> list[float]:
    before, begun = _fills(), []
    for number in range(BURST):
        begun.append(_append("burst", number))
    times: list[float] = []
    while len(times) < BURST:
        known = len(times)
        booked = _wait_for_more_than(before + known) - before
        now_s = time.perf_counter()
        times += [(now_s - began_s) * 1e3 for began_s in begun[known:booked]]
    return times


def _append(label: str, number: int) -> float:
    from bench.fills import made_fill
    from trading.hot_state import inbox
    from trading.hot_state.connection import sync_client

    began_s = time.perf_counter()
    inbox.append_fill(sync_client(), made_fill(label, number))
    return began_s


def _wait_for_more_than(count: int) -> int:
    deadline_s = time.perf_counter() + 10
    while (found := _fills()) <= count:
        if time.perf_counter() > deadline_s:
            raise RuntimeError("a fill was not booked within 10 s")
        time.sleep(0.0005)
    return found
