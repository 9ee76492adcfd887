"""P&L and inventory from the sums: equity is cash flow from the beginning plus what is held at the closing reference price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from disclosures.models import RollupDay
from disclosures.models.measures import CLOSING
from trading.ledger.arithmetic import add, subtract, value


@dataclass(frozen=True, slots=True)
class DayProfit:
    """One day's P&L (quote); None where something is held and no reference price is known yet. `inventory_base` at its end."""

    day: date
    starts_at: datetime
    ends_at: datetime
    pnl_quote: Decimal | None
    inventory_base: Decimal
    reference_price: Decimal | None


def day_profits(market_id: int) -> list[DayProfit]:
    """Every day of a market, oldest first, the running one included. A day without a price of its own keeps the last one."""
    rows = RollupDay.objects.filter(market_id=market_id).order_by("starts_at")
    found: list[DayProfit] = []
    held = cash = Decimal(0)
    equity: Decimal | None = Decimal(0)
    price: Decimal | None = None
    for day, start, end, change, flow, closing in rows.values_list(
        "day", "starts_at", "ends_at", "base_change", "cash_flow_quote", CLOSING
    ):
        held, cash = add(held, change), add(cash, flow)
        price = price if closing is None else closing
        now = _equity(held, cash, price)
        pnl = None if now is None or equity is None else subtract(now, equity)
        found.append(DayProfit(day, start, end, pnl, held, price))
        equity = equity if now is None else now
    return found


def _equity(held: Decimal, cash: Decimal, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None if held else cash
    return add(cash, value(held, price))
