"""Seconds until the desk quotes again after each kind of process was killed: median and worst.

A private copy of the whole system, as people start it. One kind after the other gets SIGKILL while every market quotes; it counts
until the killed process runs again, every market has decided anew, and every market shows a bid and an ask on its venue. What is
read comes from the copy's Valkey and from the venues' own books, over connections of this benchmark's own.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from typing import Any

import redis

from dcmm_portal.chaos.books import watched_markets
from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.chaos.strikes import kind_of
from dcmm_portal.chaos.venue_door import VenueAway, VenueDoor, open_doors
from trading.hot_state import keys
from trading.hot_state.cycle import parse_cycle

KINDS = (
    "worker",
    "beat",
    "market_data",
    "ledger",
    "relay",
    "web",
    "watchdog",
    "valkey",
    "postgres",
    "sandbox-dex",
    "sandbox-cex",
)
AIM_S = 10.0
QUOTES = ("quoting", "one_sided")
GIVE_UP_S = 120.0
LOOK_EVERY_S = 0.05
# So that no recovery is measured into the one before it.
CALM_S = 3.0


def run() -> list[dict[str, Any]]:
    """Two rows for each kind. `BENCH_KILLS`: kills of each kind (3; 10 for figures to publish); `BENCH_KILL_KINDS`: other kinds,
    separated by commas."""
    kills = int(os.environ.get("BENCH_KILLS", "3"))
    kinds = tuple(os.environ.get("BENCH_KILL_KINDS", "").split(",")) if os.environ.get("BENCH_KILL_KINDS") else KINDS
    system = PrivateSystem(prefix="dcmm-b-")
    try:
        system.start()
        desk = _Desk(system)
        times = {kind: [desk.recovery_s(kind) for _ in range(kills)] for kind in kinds}
    finally:
        system.remove()
    return [row for kind, found in times.items() for row in _rows(kind, found)]


def _rows(kind: str, times_s: list[float]) -> list[dict[str, Any]]:
    return [
        {"name": f"recovery.{kind}, {label} of {len(times_s)}", "value": value, "unit": "s", "peer": "aim", "peer_value": AIM_S,
         "ratio": value / AIM_S}
        for label, value in (("median", statistics.median(times_s)), ("worst", max(times_s)))
    ]  # fmt: skip


class _Desk:
    """The copy, seen from outside."""

    def __init__(self, system: PrivateSystem) -> None:
        self._system = system
        self._doors: dict[str, VenueDoor] = open_doors(system)
        self._markets = watched_markets(system)
        self._number: dict[str, int] = {}

    def recovery_s(self, kind: str) -> float:
        """Wait until all is calm, kill the next process of this kind, and wait until the desk quotes again."""
        self._wait(lambda: self._quotes_since(time.time() - 5), "the desk to quote before a kill")
        time.sleep(CALM_S)
        self._wait(lambda: self._quotes_since(time.time() - 5), "the desk to quote before a kill")
        name, pid = self._target(kind)
        killed_at, begun_s = time.time(), time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self._wait(
            lambda: self._runs_again(name, pid) and self._quotes_since(killed_at), f"recovery from a kill of {name}"
        )
        return time.monotonic() - begun_s

    def _target(self, kind: str) -> tuple[str, int]:
        """Several of a kind take turns."""
        running = sorted((name, pid) for name, pid in self._system.processes().items() if kind_of(name) == kind)
        if not running:
            raise RuntimeError(f"no process of kind {kind} runs")
        number = self._number[kind] = self._number.get(kind, -1) + 1
        return running[number % len(running)]

    def _wait(self, is_done: Any, what: str) -> None:
        deadline_s = time.monotonic() + GIVE_UP_S
        while not is_done():
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"waited {GIVE_UP_S:g} s in vain for {what}")
            time.sleep(LOOK_EVERY_S)

    def _runs_again(self, name: str, pid: int) -> bool:
        try:
            return self._system.processes().get(name, pid) != pid
        except (OSError, ValueError):
            return False  # being written

    def _quotes_since(self, since_s: float) -> bool:
        """Every market decided after `since_s` and has an order on its venue: one at its soft limit quotes one side, rightly."""
        try:
            return self._rests_everywhere() and self._decided_since(since_s)
        except (VenueAway, redis.RedisError, OSError, KeyError):
            return False

    def _rests_everywhere(self) -> bool:
        for market in self._markets:
            orders = self._doors[market.door].resting()["orders"]
            if not any(order["symbol"] == market.symbol for order in orders):
                return False
        return True

    def _decided_since(self, since_s: float) -> bool:
        """Every market's last cycle ran after `since_s` and found nothing that speaks against quoting."""
        url = self._system.addresses()["REDIS_URL"]
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            bodies: Any = client.mget([keys.cycle(market.slug) for market in self._markets])
        cycles = [parse_cycle(body) for body in bodies]
        return all(one is not None and one.at_ns > since_s * 1e9 and one.outcome in QUOTES for one in cycles)
