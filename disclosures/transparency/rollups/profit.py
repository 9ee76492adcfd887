"""P&L and inventory from the sums: equity is cash flow from the beginning plus what is held at the closing reference price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Min, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from disclosures.models import RollupDay
from disclosures.models.measures import CLOSING
from disclosures.transparency.rollups.calendar import day_bounds
from trading.ledger.arithmetic import add, subtract, value
from trading.models import Market


@dataclass(frozen=True, slots=True)
class DayProfit:
    """One day's P&L (quote); None where something is held and no reference price is known yet. `inventory_base` at its end."""

    day: date
    pnl_quote: Decimal | None
    inventory_base: Decimal
    reference_price: Decimal | None

    @property
    def starts_at(self) -> datetime:
        return day_bounds(self.day)[0]

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return day_bounds(self.day)[1]


def day_profits(market_id: int, first: date | None = None) -> list[DayProfit]:
    """The days of a market from `first` on (every one without it), oldest first, the running one included. A day without a price
    of its own keeps the last one."""
    return profits_by_market([market_id], first).get(market_id, [])


def profits_by_market(market_ids: Iterable[int], first: date | None = None) -> dict[int, list[DayProfit]]:
    """As `day_profits`, by market id; markets without such a day are missing. What was before `first` is added up by the
    database."""
    ids = list(market_ids)
    books = {} if first is None else _books_before(ids, first)
    if books is None:
        return _told_from(profits_by_market(ids), first)
    rows = RollupDay.objects.filter(market_id__in=ids).order_by("market_id", "starts_at")
    wanted = rows if first is None else rows.filter(day__gte=first)
    found: dict[int, list[DayProfit]] = {}
    for market_id, *row in wanted.values_list("market_id", "day", "base_change", "cash_flow_quote", CLOSING):
        found.setdefault(market_id, []).append(books.setdefault(market_id, _Book()).close(*row))
    return found


def newest_days(market_ids: Iterable[int], most: int, last: date) -> date | None:
    """The first of the `most` newest days up to `last` of each of these markets, the earliest of them; None without any day."""
    days = RollupDay.objects.filter(market_id=OuterRef("pk"), day__lte=last)
    furthest = Subquery(days.order_by("-day").values("day")[most - 1 : most])
    oldest = Subquery(days.order_by("day").values("day")[:1])
    markets = Market.objects.filter(pk__in=list(market_ids)).order_by()
    return markets.aggregate(first=Min(Coalesce(furthest, oldest)))["first"]


def _told_from(found: dict[int, list[DayProfit]], first: date | None) -> dict[int, list[DayProfit]]:
    kept = {key: [one for one in days if first is None or one.day >= first] for key, days in found.items()}
    return {key: days for key, days in kept.items() if days}


def _books_before(market_ids: Sequence[int], first: date) -> dict[int, _Book] | None:
    """The books at the end of the day before `first`; None where something was held then whose price nobody knew yet: what it
    was worth before follows from every single day."""
    before = RollupDay.objects.filter(market_id=OuterRef("pk"), day__lt=first).order_by()
    priced = before.filter(**{f"{CLOSING}__isnull": False}).order_by("-day")
    sums = before.values("market_id")
    markets = Market.objects.filter(pk__in=market_ids).annotate(
        held=Subquery(sums.annotate(held=Sum("base_change")).values("held")),
        cash=Subquery(sums.annotate(cash=Sum("cash_flow_quote")).values("cash")),
        price=Subquery(priced.values(CLOSING)[:1]),
    )
    books = {}
    for market_id, held, cash, price in markets.filter(held__isnull=False).values_list("pk", "held", "cash", "price"):
        equity = _equity(held, cash, price)
        if equity is None:
            return None
        books[market_id] = _Book(held, cash, equity, price)
    return books


@dataclass(slots=True)
class _Book:
    """What one market holds, has paid and is worth, day after day."""

    held: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    equity: Decimal | None = Decimal(0)
    price: Decimal | None = None

    def close(self, day: date, change: Decimal, flow: Decimal, closing: Decimal | None) -> DayProfit:
        self.held, self.cash = add(self.held, change), add(self.cash, flow)
        self.price = self.price if closing is None else closing
        now = _equity(self.held, self.cash, self.price)
        pnl = None if now is None or self.equity is None else subtract(now, self.equity)
        self.equity = self.equity if now is None else now
        return DayProfit(day, pnl, self.held, self.price)


def _equity(held: Decimal, cash: Decimal, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None if held else cash
    return add(cash, value(held, price))
