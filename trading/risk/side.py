"""Sides of a market; the stored words are those of the venue interface."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """BUY is our bid, SELL is our ask."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


def adds_exposure(side: Side, q_lots: float) -> bool:
    """True if a fill on `side` moves inventory further from target; at target both sides do.

    `q_lots` is the distance from target in lots, positive when long.
    """
    return q_lots >= 0.0 if side is Side.BUY else q_lots <= 0.0
