"""What was traded on a market, minute by minute. No I/O; the time is passed in."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from trading.hot_state.values import HotMinuteVolume
from trading.venues.interface import PublicTrade

MINUTE_NS: Final = 60_000_000_000
MINUTES_KEPT: Final = 3


class MinuteVolumes:
    """Quote value of prints by the venue's minute; the last few minutes are kept."""

    def __init__(self) -> None:
        self._quote: dict[int, Decimal] = {}
        self._since_ns: int | None = None

    def add(self, trade: PublicTrade) -> None:
        """Count a print, once: the caller drops repeated ones."""
        minute_ns = trade.venue_ns - trade.venue_ns % MINUTE_NS
        self._quote[minute_ns] = self._quote.get(minute_ns, Decimal(0)) + trade.price * trade.size
        for old in sorted(self._quote)[:-MINUTES_KEPT]:
            del self._quote[old]

    def interrupt(self) -> None:
        """The feed was gone: a minute that it missed a part of is told as not whole."""
        self._since_ns = None

    def told(self, now_ns: int) -> tuple[HotMinuteVolume, ...]:
        """The last minutes up to the running one, those without a print included."""
        since_ns = self._since_ns = now_ns if self._since_ns is None else self._since_ns
        running_ns = now_ns - now_ns % MINUTE_NS
        minutes = range(running_ns - (MINUTES_KEPT - 1) * MINUTE_NS, running_ns + 1, MINUTE_NS)
        return tuple(
            HotMinuteVolume(start, self._quote.get(start, Decimal(0)), since_ns <= start and start < running_ns)
            for start in minutes
        )
