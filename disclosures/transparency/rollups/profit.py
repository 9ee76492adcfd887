"""P&L and inventory from the sums: equity is cash flow from the beginning plus what is held at the closing reference price."""

from __future__ import annotations

from collections.abc import Iterable
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
    return profits_by_market([market_id]).get(market_id, [])


def profits_by_market(market_ids: Iterable[int]) -> dict[int, list[DayProfit]]:
    """As `day_profits`, by market id; markets without a day are missing."""
    rows = RollupDay.objects.filter(market_id__in=list(market_ids)).order_by("market_id", "starts_at")
    found: dict[int, list[DayProfit]] = {}
    books: dict[int, _Book] = {}
    for market_id, *row in rows.values_list(
        "market_id", "day", "starts_at", "ends_at", "base_change", "cash_flow_quote", CLOSING
    ):
        found.setdefault(market_id, []).append(books.setdefault(market_id, _Book()).close(*row))
    return found


@dataclass(slots=True)
class _Book:
    """What one market holds, has paid and is worth, day after day."""

    held: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    equity: Decimal | None = Decimal(0)
    price: Decimal | None = None

    def close(
        self, day: date, start: datetime, end: datetime, change: Decimal, flow: Decimal, closing: Decimal | None
    ) -> DayProfit:
        self.held, self.cash = add(self.held, change), add(self.cash, flow)
        self.price = self.price if closing is None else closing
        now = _equity(self.held, self.cash, self.price)
        pnl = None if now is None or self.equity is None else subtract(now, self.equity)
        self.equity = self.equity if now is None else now
        return DayProfit(day, start, end, pnl, self.held, self.price)


def _equity(held: Decimal, cash: Decimal, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None if held else cash
    return add(cash, value(held, price))
