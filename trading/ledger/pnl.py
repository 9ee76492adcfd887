"""Marked positions and the course of P&L, for pages. (P&L by day: `trading.figures.daily_pnl`.)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.ledger.arithmetic import mark_to_market
from trading.ledger.page import state_of
from trading.models import MmState, Position


@dataclass(frozen=True, slots=True)
class PositionSummary:
    """A committed position at a mark; quantities in base, the rest in quote. None where there is no mark."""

    slug: str
    ledger_seq: int
    q: Decimal
    average_price: Decimal | None
    cost_basis: Decimal
    realised: Decimal
    unrealised: Decimal | None
    total: Decimal | None
    fees: Decimal
    volume: Decimal
    bought: Decimal
    sold: Decimal
    fills: int


@dataclass(frozen=True, slots=True)
class PnlPoint:
    """P&L of a market at one time, as persisted every minute."""

    at: datetime
    inventory: Decimal
    realised: Decimal
    unrealised: Decimal | None
    mid: Decimal | None


def position_summary(slug: str, mark: Decimal | None) -> PositionSummary | None:
    """The committed position of a market at `mark`; None for a market that never had one."""
    row = Position.objects.filter(market__slug=slug).first()
    if row is None:
        return None
    state = state_of(row)
    marked = mark_to_market(state, mark) if mark is not None else None
    return PositionSummary(
        slug=slug,
        ledger_seq=row.ledger_seq,
        q=state.q,
        average_price=state.average_price,
        cost_basis=state.cost_basis,
        realised=state.realised,
        unrealised=marked.unrealised if marked else None,
        total=marked.total if marked else None,
        fees=state.fees,
        volume=state.volume,
        bought=state.bought,
        sold=state.sold,
        fills=state.fills,
    )


def pnl_series(slug: str, since: datetime) -> list[PnlPoint]:
    """The market's persisted snapshots not older than `since`, oldest first."""
    rows = MmState.objects.filter(market__slug=slug, at__gte=since).order_by("at")
    columns = rows.values_list("at", "inventory", "realised", "unrealised", "mid")
    return [PnlPoint(*values) for values in columns]
