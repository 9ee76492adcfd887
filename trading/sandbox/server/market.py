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
        self._replays = replays
        self._speed = speed

    async def run(self) -> None:
        """One turn every 10 ms, sooner when an event is due sooner."""
        while True:
            now_ns = self._venue.clock.engine_ns()
            if self._venue.halted:
                raise RuntimeError("the exchange halted: its ledger could not be written")
            self._venue.exchange.advance(now_ns)
            wait_ns = TICK_NS
            for replay in self._replays:
                wait_ns = min(wait_ns, self._play(replay, now_ns))
            await asyncio.sleep(max(wait_ns, 0) / 1e9)

    def _play(self, replay: Replay, now_ns: int) -> int:
        """Play what is due; returns for how long nothing will be, ns."""
        if now_ns - replay.next_due_ns > BACKLOG_NS:
            replay.resume(now_ns)
        live = self._speed == 1.0
        played = replay.play_until(now_ns, SLICE) if live else self._play_scaled(replay, now_ns)
        if played:
            self._venue.last_market_event = time.monotonic()
        return replay.next_due_ns - now_ns

    def _play_scaled(self, replay: Replay, now_ns: int) -> int:
        """Play at another speed: what lies within the time that a tick stands for is brought forward to now."""
        horizon_ns = now_ns + int(TICK_NS * (self._speed - 1.0)) if self._speed > 1.0 else now_ns
        played = 0
        while replay.next_due_ns <= horizon_ns and played < SLICE:
            ahead_ns = max(replay.next_due_ns - now_ns, 0)
            replay.resume(now_ns)
            played += replay.play_until(now_ns, 1)
            horizon_ns -= ahead_ns
        return played
