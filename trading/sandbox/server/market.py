"""The venue's heartbeat: fires timers and plays the record in real time, a bounded slice at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from trading.sandbox.replay import Replay
from trading.sandbox.server.venue import Venue

TICK_NS = 10_000_000
BACKLOG_NS = 5_000_000_000  # after a longer suspension the record goes on from where it was, without a burst
SLICE = 100  # events per turn of the loop, so that requests are answered in between


class MarketClock:
    """Drives timers and replays of one venue until cancelled. Raises when the engine halts: the process restarts."""

    def __init__(self, venue: Venue, replays: Sequence[Replay], speed: float = 1.0) -> None:
        self._venue = venue
        self._replays = [ScaledReplay(replay, speed, venue.clock.engine_ns()) for replay in replays]

    async def run(self) -> None:
        """One turn every 10 ms, sooner when an event is due sooner."""
        while True:
            now_ns = self._venue.clock.engine_ns()
            if self._venue.halted:
                raise RuntimeError("the exchange halted: its ledger could not be written")
            self._venue.exchange.advance(now_ns)
            wait_ns = TICK_NS
            for replay in self._replays:
                played, next_ns = replay.play(now_ns)
                wait_ns = min(wait_ns, next_ns)
                if played:
                    self._venue.last_market_event = time.monotonic()
            await asyncio.sleep(max(wait_ns, 0) / 1e9)


class ScaledReplay:
    """A replay at `speed` recorded seconds per second; the engine's own clock is not touched."""

    def __init__(self, replay: Replay, speed: float, now_ns: int) -> None:
        self._replay = replay
        self._speed = speed
        self._last_ns = now_ns
        self._left_ns = float(replay.next_due_ns - now_ns)  # recorded time until the next event

    def play(self, now_ns: int) -> tuple[int, int]:
        """Play what is due, at most a slice; returns (events played, ns until the next one)."""
        replay = self._replay
        if self._speed == 1.0:
            if now_ns - replay.next_due_ns > BACKLOG_NS:
                replay.resume(now_ns)
            played = replay.play_until(now_ns, SLICE)
            return played, replay.next_due_ns - now_ns
        self._left_ns -= min(now_ns - self._last_ns, BACKLOG_NS) * self._speed
        self._last_ns = now_ns
        played = 0
        while self._left_ns <= 0 and played < SLICE:
            replay.resume(now_ns)
            played += replay.play_until(now_ns, 1)
            self._left_ns += replay.next_due_ns - now_ns
        return played, int(self._left_ns / self._speed)
