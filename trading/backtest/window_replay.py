"""The first preview engine: replays the last recorded window of a market. Bounded in rows and in time; locks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from trading.backtest.engine import PreviewResult, PreviewTooSlow, WindowSpec
from trading.backtest.recorded import Check, read_window
from trading.backtest.replay import replay_window
from trading.clock import Clock
from trading.registry.selectors import MarketRef


@dataclass(frozen=True, slots=True)
class ReplayLimits:
    """At most `cycles` of a window are replayed, evenly spread; `prints` beyond which none are counted; `deadline_s` for the
    whole of one market, of which reading the prints may take half."""

    cycles: int = 600
    prints: int = 50_000
    deadline_s: float = 5.0


class WindowReplay:
    """A `PreviewEngine`. `records`: the folder in which the recorder keeps a folder per market."""

    def __init__(self, records: Path, clock: Clock, limits: ReplayLimits | None = None) -> None:
        self._records, self._clock = records, clock
        self._limits = limits or ReplayLimits()

    def preview(
        self, market: MarketRef, before: Mapping[str, Decimal], after: Mapping[str, Decimal], window: WindowSpec
    ) -> PreviewResult:
        """As the protocol says. Raises `PreviewTooSlow`."""
        limits = self._limits
        recorded = read_window(
            market.slug,
            window,
            limits.cycles,
            limits.prints,
            self._records,
            self._deadline(limits.deadline_s),
            self._deadline(limits.deadline_s / 2),
            limits.deadline_s,
        )
        return replay_window(recorded, before, after, self._deadline(limits.deadline_s))

    def _deadline(self, seconds: float) -> Check:
        ends_s = self._clock.monotonic_s() + seconds

        def check() -> None:
            if self._clock.monotonic_s() > ends_s:
                raise PreviewTooSlow(f"not done within {seconds:g} s")

        return check
