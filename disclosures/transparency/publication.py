"""What the public may see: the one place that decides how fine and how soon, for pages, API, socket, CSV and feed.

The policy in force (SPEC 7 until people change it: inventory rounded to 5 % of the hard limit and 60 s late, P&L by day, quotes
live) holds over the past too: whoever asks later for an earlier time sees no more of it. Quotes follow their own granularity,
everything that inventory could be worked out from follows the delay. Without a policy that can be read, the coarsest one holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from disclosures.models import PublicationPolicy
from disclosures.transparency.rollups.calendar import HOUR, MINUTE, day_of, hour_of
from disclosures.transparency.rollups.profit import DayProfit, newest_days

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of the policy. Later and coarser is safer, in every field."""

    version: int
    delay_s: int
    inventory_step_share: Decimal
    pnl_granularity_days: int
    quote_granularity_s: int

    def step(self, hard_limit: Decimal | None) -> Decimal | None:
        """What base quantities are rounded to; None where there is no limit to be a fraction of."""
        return hard_limit * self.inventory_step_share if hard_limit is not None and hard_limit > 0 else None

    def rounded(self, base: Decimal | None, hard_limit: Decimal | None) -> Decimal | None:
        """A base quantity of ours to the nearest step; None where either is not known."""
        step = self.step(hard_limit)
        if base is None or step is None:
            return None
        return (base / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * step

    def until(self, now: datetime) -> datetime:
        """Inventory and what follows from it are told as of this moment."""
        return now - timedelta(seconds=self.delay_s)

    def volume_until(self, now: datetime) -> datetime:
        """End of the last hour whose volume is told: complete ones only, so that no trade can be worked out."""
        return hour_of(self.until(now))

    def quotes_until(self, now: datetime) -> datetime | None:
        """Our quotes are told as of this moment; None: live."""
        if self.quote_granularity_s == 0:
            return None
        whole = int(now.timestamp()) // self.quote_granularity_s * self.quote_granularity_s
        return datetime.fromtimestamp(whole, UTC)

    def quote_bucket(self) -> timedelta:
        """The smallest bucket in which our quoting is told."""
        wanted = timedelta(seconds=self.quote_granularity_s)
        return next((each for each in (MINUTE, HOUR) if wanted <= each), timedelta(days=1))

    def profits(self, days: Sequence[DayProfit], now: datetime) -> list[PublicProfit]:
        """P&L by the policy's number of complete days, oldest first. Periods have fixed borders: sums that slid from day to day
        would tell each day by their difference."""
        told = day_of(self.until(now))
        found: dict[int, list[DayProfit]] = {}
        for one in days:
            found.setdefault(one.day.toordinal() // self.pnl_granularity_days, []).append(one)
        rows = [self._profit(period, each) for period, each in sorted(found.items())]
        return [row for row in rows if row.last_day < told]

    def period_start(self, day: date) -> date:
        """The first day of the period that holds `day`."""
        return date.fromordinal(max(1, day.toordinal() // self.pnl_granularity_days * self.pnl_granularity_days))

    def read_from(self, market_ids: Iterable[int], periods: int, last: date) -> date | None:
        """The first day that the newest `periods` of each of these markets up to `last` can need; None: there is no day."""
        # One period that is not over, one that is begun, and as many days as the delay holds back.
        days = (periods + 2) * self.pnl_granularity_days + -(-self.delay_s // 86_400)
        found = newest_days(market_ids, days, last)
        return None if found is None else self.period_start(found)

    def _profit(self, period: int, days: Iterable[DayProfit]) -> PublicProfit:
        first = date.fromordinal(max(1, period * self.pnl_granularity_days))
        last = date.fromordinal((period + 1) * self.pnl_granularity_days - 1)
        known = [one.pnl_quote for one in days]
        total = None if None in known else sum((one for one in known if one is not None), Decimal(0)).quantize(CENT)
        return PublicProfit(first, last, total)


@dataclass(frozen=True, slots=True)
class PublicProfit:
    """P&L (quote) from `day` to `last_day`, both included (Indian/Maldives)."""

    day: date
    last_day: date
    pnl: Decimal | None


COARSEST: Final = Publication(0, 604_800, Decimal(1), 31, 86_400)


def publication_in_force() -> Publication:
    """The newest version; the coarsest there can be where there is none."""
    row = PublicationPolicy.objects.order_by("-version").first()
    return COARSEST if row is None else publication_of(row)


def publication_of(row: PublicationPolicy) -> Publication:
    """A version's row as a value."""
    return Publication(
        row.version, row.delay_s, row.inventory_step_share, row.pnl_granularity_days, row.quote_granularity_s
    )
