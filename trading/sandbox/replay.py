"""Plays a market record into the exchange, endlessly: even passes as recorded, odd passes mirrored in price."""

from __future__ import annotations

from pathlib import Path

from trading.sandbox.exchange import Exchange


class Replay:
    """One record into one symbol. The cursor (pass, event) is kept in the exchange's store and continues after a restart.

    `start_offset_s` counts from the record's start and matters only when the store holds no cursor yet.
    Opening it loads the book of the cursor's moment into the exchange at once.
    """

    def __init__(
        self,
        exchange: Exchange,
        symbol: str,
        record_path: Path,
        now_ns: int,
        start_offset_s: float = 0.0,
    ) -> None:
        raise RuntimeError("being built")

    @property
    def label(self) -> str:
        """What the market is, for pages: e.g. "recorded market, rescaled"."""
        raise RuntimeError("being built")

    @property
    def next_due_ns(self) -> int:
        """When the next recorded event is due on the venue's clock."""
        raise RuntimeError("being built")

    def play_until(self, now_ns: int, max_events: int | None = None) -> int:
        """Apply every event due by now (at most max_events of them); returns how many were applied."""
        raise RuntimeError("being built")
