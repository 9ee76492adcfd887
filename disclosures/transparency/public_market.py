"""One market as anybody may see it.

Before a publication policy exists, SPEC 7 fixes the granularity: our quotes live (the venue shows them anyway), inventory
rounded to 5 % of the hard limit and 60 s late, P&L by complete day only. Volume is told by complete hour, rounded as inventory
is, and valued at the reference price of the hour's end: a sum to the cent, read again and again, would tell each fill and so the
inventory; a step that followed the live price would give the sum away where the rounding turns. How many fills, and the reasons
of a state, are not told at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.core.cache import cache

from trading.clock import to_datetime
from trading.figures import WINDOW, DayPnl, Uptime, daily_pnl, uptimes, volumes
from trading.hot_state.overview import last_points
from trading.hot_state.values import HistoryPoint
from trading.market_status import MarketStatus, iso, quotes_json, text
from trading.models import Market
from trading.selectors import all_market_status, market_status

INVENTORY_DELAY = timedelta(seconds=60)
INVENTORY_STEP_SHARE = Decimal("0.05")
PNL_DAYS = 14
FIGURES_KEPT_S = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over time by market slug, as of `at`; `traded` (base) in the 24 h up to `hour`, whose end had `hour_mids`."""

    at: datetime
    uptimes: dict[str, Uptime]
    hour: datetime
    traded: dict[str, Decimal]
    hour_mids: dict[str, Decimal | None]
    daily: dict[str, tuple[DayPnl, ...]]


@dataclass(frozen=True, slots=True)
class PublicMarket:
    """`inventory` (base) is rounded, as of `inventory_at`; `volume` (quote) is rounded to `volume_step`, up to `volume_until`."""

    status: MarketStatus
    inventory: Decimal | None
    inventory_step: Decimal | None
    inventory_at: datetime | None
    uptime: Uptime | None
    volume: Decimal | None
    volume_step: Decimal | None
    volume_until: datetime
    daily: tuple[DayPnl, ...]
    figures_at: datetime

    @property
    def outcome(self) -> str:
        """What the book shows of us, not what the desk knows."""
        sides = (self.status.bid is not None) + (self.status.ask is not None)
        return ("not_quoting", "one_sided", "quoting")[sides]


def rounded_inventory(inventory: Decimal | None, hard_limit: Decimal | None) -> Decimal | None:
    """`inventory` (or any base quantity) to the nearest 5 % of `hard_limit`; None where either is not known."""
    if inventory is None or hard_limit is None or hard_limit <= 0:
        return None
    step = hard_limit * INVENTORY_STEP_SHARE
    return (inventory / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * step


def _valued(base: Decimal | None, mid: Decimal | None) -> Decimal | None:
    return None if base is None or mid is None else (base * mid).quantize(Decimal("0.01"))


def public_markets(now_ns: int) -> tuple[PublicMarket, ...]:
    """Every active market in its public form."""
    return publish(all_market_status(now_ns), now_ns)


def public_market(slug: str, now_ns: int) -> PublicMarket:
    """One market in its public form. Raises `UnknownMarket`."""
    return publish((market_status(slug, now_ns),), now_ns)[0]


def publish(statuses: tuple[MarketStatus, ...], now_ns: int) -> tuple[PublicMarket, ...]:
    """The public form of `statuses`."""
    figures = recent_figures(now_ns)
    cutoff_ns = now_ns - int(INVENTORY_DELAY.total_seconds() * 1e9)
    points = last_points([status.slug for status in statuses], cutoff_ns)
    return tuple(_published(status, points[status.slug], figures) for status in statuses)


def _published(status: MarketStatus, point: HistoryPoint | None, figures: Figures) -> PublicMarket:
    hard = status.limits.hard if status.limits else None
    step = hard * INVENTORY_STEP_SHARE if hard else None
    mid = figures.hour_mids.get(status.slug)
    # Nothing traded is told like too little to round up: the first fill must not show.
    traded = rounded_inventory(figures.traded.get(status.slug, Decimal(0)), hard)
    return PublicMarket(
        status=status,
        inventory=rounded_inventory(point.inventory if point else None, hard),
        inventory_step=step,
        inventory_at=to_datetime(point.at_ns) if point else None,
        uptime=figures.uptimes.get(status.slug),
        volume=_valued(traded, mid),
        volume_step=_valued(step, mid),
        volume_until=figures.hour,
        daily=figures.daily.get(status.slug, ()),
        figures_at=figures.at,
    )


def recent_figures(now_ns: int) -> Figures:
    """Figures over time, computed at most every 10 s in a process."""
    kept: Figures | None = cache.get("public-figures")
    if kept is None:
        kept = _figures(to_datetime(now_ns))
        cache.set("public-figures", kept, FIGURES_KEPT_S)
    return kept


def _figures(now: datetime) -> Figures:
    slugs = dict(Market.objects.values_list("pk", "slug"))
    hour = (now - INVENTORY_DELAY).replace(minute=0, second=0, microsecond=0)
    points = last_points(slugs.values(), int(hour.timestamp()) * 1_000_000_000)
    return Figures(
        at=now,
        uptimes={slugs[key]: value for key, value in uptimes(now).items()},
        hour=hour,
        traded={slugs[key]: value.base for key, value in volumes(hour - WINDOW, hour).items()},
        hour_mids={slug: point.mid if point else None for slug, point in points.items()},
        daily={slugs[key]: value for key, value in daily_pnl(now.date(), PNL_DAYS).items()},
    )


def public_json(market: PublicMarket) -> dict[str, Any]:
    """JSON form: money as strings, times in ISO 8601 UTC."""
    uptime = market.uptime
    return quotes_json(market.status) | {
        "outcome": market.outcome,
        "inventory": text(market.inventory),
        "inventory_target": text(market.status.limits.target) if market.status.limits else None,
        "inventory_step": text(market.inventory_step),
        "inventory_at": iso(market.inventory_at),
        "inventory_delay_s": int(INVENTORY_DELAY.total_seconds()),
        "uptime": None if uptime is None else text(uptime.share),
        "uptime_minutes": 0 if uptime is None else uptime.minutes,
        "uptime_since": None if uptime is None else iso(uptime.since),
        "volume": text(market.volume),
        "volume_step": text(market.volume_step),
        "volume_until": iso(market.volume_until),
        "daily_pnl": [
            {"day": each.day.isoformat(), "pnl": text(each.pnl.quantize(Decimal("0.01")))} for each in market.daily
        ],
        "figures_at": iso(market.figures_at),
    }
