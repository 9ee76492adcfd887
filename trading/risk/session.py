"""A trading session's P&L and its peak. Pure: what was, and a new reading, give what is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Session:
    """One market's session (`day`: ISO date, UTC; `number` rises when two people begin one anew).

    `opening_pnl` and `opening_price` are what it began with, `peak` the highest P&L since, in quote units and never below 0."""

    day: str
    opening_pnl: Decimal
    opening_price: Decimal
    peak: Decimal
    number: int = 1


def session_pnl(session: Session, pnl: Decimal, price: Decimal, target: Decimal) -> Decimal:
    """P&L since the session began, without what the target inventory (base) gained or lost by the price alone: that is the
    treasury's holding, not trading."""
    return pnl - session.opening_pnl - target * (price - session.opening_price)


def carried_on(session: Session | None, day: str, pnl: Decimal, price: Decimal, target: Decimal) -> Session:
    """The session after a reading: a new one on a new day, else with its peak raised where P&L is higher."""
    if session is None or session.day != day:
        return Session(day, pnl, price, Decimal(0))
    return replace(session, peak=max(session.peak, session_pnl(session, pnl, price, target)))
