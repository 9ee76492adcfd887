"""One market as anybody may see it.

Before a publication policy exists, SPEC 7 fixes the granularity: our quotes live (the venue shows them anyway), inventory
rounded to 5 % of the hard limit and 60 s late, P&L by complete day only. Volume is as late as inventory, and the reasons of a
state are not told, because both would let a reader work the live inventory out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.core.cache import cache

from trading.clock import to_datetime
from trading.figures import WINDOW, DayPnl, Uptime, Volume, daily_pnl, uptimes, volumes
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
    """Figures over time by market slug, as of `at`."""

    at: datetime
    uptimes: dict[str, Uptime]
    volumes: dict[str, Volume]
    daily: dict[str, tuple[DayPnl, ...]]


@dataclass(frozen=True, slots=True)
class PublicMarket:
    """`inventory` (base) is rounded and as of `inventory_at`; `outcome` is quoting, one_sided or not_quoting."""

    status: MarketStatus
    inventory: Decimal | None
    inventory_step: Decimal | None
    inventory_at: datetime | None
    uptime: Uptime | None
    volume: Volume | None
    daily: tuple[DayPnl, ...]
    figures_at: datetime

    @property
    def outcome(self) -> str:
        """What the book shows of us, not what the desk knows."""
        sides = (self.status.bid is not None) + (self.status.ask is not None)
        return ("not_quoting", "one_sided", "quoting")[sides]


def rounded_inventory(inventory: Decimal | None, hard_limit: Decimal | None) -> Decimal | None:
    """`inventory` to the nearest 5 % of `hard_limit`; None where either is not known."""
    if inventory is None or hard_limit is None or hard_limit <= 0:
        return None
    step = hard_limit * INVENTORY_STEP_SHARE
    return (inventory / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * step


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
    return PublicMarket(
        status=status,
        inventory=rounded_inventory(point.inventory if point else None, hard),
        inventory_step=hard * INVENTORY_STEP_SHARE if hard else None,
        inventory_at=to_datetime(point.at_ns) if point else None,
        uptime=figures.uptimes.get(status.slug),
        volume=figures.volumes.get(status.slug),
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
    until = now - INVENTORY_DELAY
    return Figures(
        at=now,
        uptimes={slugs[key]: value for key, value in uptimes(now).items()},
        volumes={slugs[key]: value for key, value in volumes(until - WINDOW, until).items()},
        daily={slugs[key]: value for key, value in daily_pnl(now.date(), PNL_DAYS).items()},
    )


def public_json(market: PublicMarket) -> dict[str, Any]:
    """JSON form: money as strings, times in ISO 8601 UTC."""
    uptime, volume = market.uptime, market.volume
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
        "volume": None if volume is None else text(volume.quote.quantize(Decimal("0.01"))),
        "volume_fills": 0 if volume is None else volume.fills,
        "volume_until": None if volume is None else iso(volume.until),
        "daily_pnl": [
            {"day": each.day.isoformat(), "pnl": text(each.pnl.quantize(Decimal("0.01")))} for each in market.daily
        ],
        "figures_at": iso(market.figures_at),
    }
