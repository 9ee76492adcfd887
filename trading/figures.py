"""Figures over time for pages: uptime, volume and P&L by day, from PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, F, FloatField, Min, Sum
from django.db.models.functions import Cast

from trading.models import Fill, Market, MarketMinute

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Uptime:
    """Share of time with both quotes resting, over `minutes` minutes since `since`; None before the first full minute."""

    share: Decimal | None
    one_sided_share: Decimal | None
    minutes: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Volume:
    """What we traded from `since` to `until`: quote value, base quantity, number of fills."""

    quote: Decimal
    base: Decimal
    fills: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class DayPnl:
    """P&L of one UTC day in quote units: change of realised plus unrealised between its last snapshot and the day before's."""

    day: date
    pnl: Decimal


def uptimes(now: datetime) -> dict[int, Uptime]:
    """Uptime by market id over the last 24 h (or since the market's first minute). A minute without a cycle counts as down."""
    until = now.replace(second=0, microsecond=0)
    window = until - WINDOW
    rows = (
        MarketMinute.objects.filter(minute__gte=window, minute__lt=until, cycles__gt=0)
        .values("market_id")
        .annotate(
            two=Sum(Cast(F("two_sided"), FloatField()) / F("cycles"), output_field=FloatField()),
            one=Sum(Cast(F("one_sided"), FloatField()) / F("cycles"), output_field=FloatField()),
            first=Min("minute"),
        )
        .order_by()
    )
    earlier = set(
        Market.objects.filter(pk__in=MarketMinute.objects.filter(minute__lt=window).values("market_id")).values_list(
            "pk", flat=True
        )
    )
    found = {}
    for row in rows:
        since = window if row["market_id"] in earlier else row["first"]
        minutes = max(1, round((until - since).total_seconds() / 60))
        found[row["market_id"]] = Uptime(_share(row["two"], minutes), _share(row["one"], minutes), minutes, since)
    return found


def _share(minutes_up: float, minutes: int) -> Decimal:
    return min(Decimal(1), Decimal(str(minutes_up / minutes))).quantize(Decimal("0.0001"))


def volumes(since: datetime, until: datetime) -> dict[int, Volume]:
    """Our volume by market id in [since, until); markets without a fill are missing."""
    rows = (
        Fill.objects.filter(executed_at__gte=since, executed_at__lt=until)
        .values("market_id")
        .annotate(quote=Sum(F("price") * F("size")), base=Sum("size"), fills=Count("pk"))
        .order_by()
    )
    return {row["market_id"]: Volume(row["quote"], row["base"], row["fills"], since, until) for row in rows}


# The last snapshot before each day's end; a day without one of its own has no P&L, but the next day's is counted from the
# snapshot before.
_DAY_ENDS = """
SELECT m.id, d.day::date, s.total, s.at >= d.day AT TIME ZONE 'UTC'
FROM markets m
CROSS JOIN generate_series(%s::timestamp, %s::timestamp, interval '1 day') AS d(day)
CROSS JOIN LATERAL (
    SELECT realised + unrealised AS total, at FROM mm_state
    WHERE market_id = m.id AND at < (d.day + interval '1 day') AT TIME ZONE 'UTC' AND unrealised IS NOT NULL
    ORDER BY at DESC LIMIT 1
) AS s
ORDER BY m.id, d.day
"""


def daily_pnl(today: date, days: int) -> dict[int, tuple[DayPnl, ...]]:
    """P&L of the last `days` complete UTC days by market id, oldest first; `today` itself is never in it."""
    with connection.cursor() as cursor:
        cursor.execute(_DAY_ENDS, [today - timedelta(days=days + 1), today - timedelta(days=1)])
        rows = cursor.fetchall()
    ends: dict[int, list[tuple[date, Decimal, bool]]] = {}
    for market_id, day, total, is_own in rows:
        ends.setdefault(market_id, []).append((day, total, is_own))
    first = today - timedelta(days=days)
    return {market_id: _differences(found, first) for market_id, found in ends.items()}


def _differences(ends: list[tuple[date, Decimal, bool]], first: date) -> tuple[DayPnl, ...]:
    before = Decimal(0)
    days = []
    for day, total, is_own in ends:
        if day >= first and is_own:
            days.append(DayPnl(day, total - before))
        before = total
    return tuple(days)
