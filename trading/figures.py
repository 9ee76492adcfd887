"""Figures of the last day for pages: uptime and volume, from PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

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
