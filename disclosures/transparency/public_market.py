"""One market as anybody may see it, as the publication policy in force lets it (disclosures/transparency/publication.py).

Volume is told by complete hour, rounded as inventory is, and valued at the reference price of the hour's end: a sum to the cent,
read again and again, would tell each fill and so the inventory; a step that followed the live price would give the sum away where
the rounding turns. How many fills, and the reasons of a state, are not told at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.cache import cache

from disclosures.transparency.publication import CENT, Publication, PublicProfit, publication_in_force
from disclosures.transparency.rollups.profit import profits_by_market
from disclosures.transparency.tables import closed_until, hard_limits
from trading.clock import to_datetime
from trading.figures import WINDOW, Uptime, uptimes, volumes
from trading.history import MOST_SECONDS, PUBLIC_SERIES, history_json
from trading.hot_state.overview import last_points
from trading.hot_state.values import HistoryPoint
from trading.market_status import MarketStatus, iso, quotes_json, text
from trading.models import Market
from trading.selectors import all_market_status, market_status

PNL_PERIODS = 14
FIGURES_KEPT_S = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over time by market slug, as of `at`; `traded` (base) in the 24 h up to `hour`, whose end had `hour_mids`."""

    at: datetime
    uptimes: dict[str, Uptime]
    hour: datetime
    traded: dict[str, Decimal]
    hour_mids: dict[str, Decimal | None]
    daily: dict[str, tuple[PublicProfit, ...]]
    hard_limits: dict[str, Decimal]


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
    policy: Publication
    daily: tuple[PublicProfit, ...]
    figures_at: datetime
    quotes_known: bool

    @property
    def outcome(self) -> str:
        """What the book shows of us, not what the desk knows; "unknown" where the policy lets none be told yet."""
        if not self.quotes_known:
            return "unknown"
        sides = (self.status.bid is not None) + (self.status.ask is not None)
        return ("not_quoting", "one_sided", "quoting")[sides]


def _valued(base: Decimal | None, mid: Decimal | None) -> Decimal | None:
    return None if base is None or mid is None else (base * mid).quantize(Decimal("0.01"))


def public_markets(now_ns: int) -> tuple[PublicMarket, ...]:
    """Every active market in its public form."""
    return publish(all_market_status(now_ns), now_ns)


def public_market(slug: str, now_ns: int) -> PublicMarket:
    """One market in its public form. Raises `UnknownMarket`."""
    return publish((market_status(slug, now_ns),), now_ns)[0]


@dataclass(frozen=True, slots=True)
class Basis:
    """What the public form of a market follows from beside its present status: the policy in force, and what it lets be told.

    `points` are those of inventory, `quotes` those of our quotes by market; `quotes` is None where they are told live.
    """

    policy: Publication
    figures: Figures
    points: Mapping[str, HistoryPoint | None]
    quotes: Mapping[str, HistoryPoint | None] | None


def basis(slugs: Sequence[str], now_ns: int) -> Basis:
    """The basis for these markets, now. An older one tells nothing that a newer one would not."""
    policy, now = publication_in_force(), to_datetime(now_ns)
    quotes_at = policy.quotes_until(now)
    return Basis(
        policy=policy,
        figures=recent_figures(now_ns, policy),
        points=last_points(slugs, _ns(policy.until(now))),
        quotes=last_points(slugs, _ns(quotes_at)) if quotes_at else None,
    )


def publish(statuses: tuple[MarketStatus, ...], now_ns: int) -> tuple[PublicMarket, ...]:
    """The public form of `statuses`."""
    found = basis([status.slug for status in statuses], now_ns)
    return tuple(published(status, found) for status in statuses)


def published(status: MarketStatus, on: Basis) -> PublicMarket:
    """The public form of one status. Of a market that `on` does not know, neither inventory nor delayed quotes are told."""
    if on.quotes is None:
        return _published(status, on, is_quote_known=True)
    quote = on.quotes.get(status.slug)
    return _published(_quotes_as_of(status, quote), on, is_quote_known=quote is not None)


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1000) * 1_000_000


def _quotes_as_of(status: MarketStatus, point: HistoryPoint | None) -> MarketStatus:
    """`status` with our quotes as they were then, and nothing else that would tell the present ones."""
    spread = None
    if point is not None and point.bid is not None and point.ask is not None and point.bid + point.ask > 0:
        spread = ((point.ask - point.bid) / (point.ask + point.bid) * 20_000).quantize(CENT)
    return replace(
        status,
        bid=point.bid if point else None,
        ask=point.ask if point else None,
        bid_size=None,
        ask_size=None,
        spread_bps=spread,
        depth=(),
        bids=(),
        asks=(),
    )


def _published(status: MarketStatus, on: Basis, *, is_quote_known: bool) -> PublicMarket:
    figures, policy, point = on.figures, on.policy, on.points.get(status.slug)
    hard = figures.hard_limits.get(status.slug)
    step = policy.step(hard)
    mid = figures.hour_mids.get(status.slug)
    # Nothing traded is told like too little to round up: the first fill must not show.
    traded = policy.rounded(figures.traded.get(status.slug, Decimal(0)), hard)
    return PublicMarket(
        status=status,
        inventory=policy.rounded(point.inventory if point else None, hard),
        inventory_step=step,
        inventory_at=to_datetime(point.at_ns) if point else None,
        uptime=figures.uptimes.get(status.slug),
        volume=_valued(traded, mid),
        volume_step=_valued(step, mid),
        volume_until=figures.hour,
        policy=policy,
        daily=figures.daily.get(status.slug, ()),
        figures_at=figures.at,
        quotes_known=is_quote_known,
    )


def recent_figures(now_ns: int, policy: Publication) -> Figures:
    """Figures over time, computed at most every 10 s in a process, and anew for another policy."""
    key = f"public-figures:{policy.version}"
    kept: Figures | None = cache.get(key)
    if kept is None:
        kept = _figures(to_datetime(now_ns), policy)
        cache.set(key, kept, FIGURES_KEPT_S)
    return kept


def _figures(now: datetime, policy: Publication) -> Figures:
    markets = Market.objects.filter(is_active=True).in_bulk()
    slugs = {key: market.slug for key, market in markets.items()}
    hour = policy.volume_until(now)
    points = last_points(slugs.values(), _ns(hour))
    profits, closed = profits_by_market(slugs), closed_until()
    return Figures(
        at=now,
        uptimes={slugs[key]: value for key, value in uptimes(policy.quotes_until(now) or now).items() if key in slugs},
        hour=hour,
        traded={slugs[key]: value.base for key, value in volumes(hour - WINDOW, hour).items() if key in slugs},
        hour_mids={slug: point.mid if point else None for slug, point in points.items()},
        daily={
            slugs[key]: tuple(policy.profits(days, closed)[-PNL_PERIODS:]) for key, days in profits.items() if closed
        },
        hard_limits={slugs[key]: limit for key, limit in hard_limits(markets.values()).items()},
    )


def public_history(slug: str, seconds: int, now_ns: int) -> dict[str, Any]:
    """The last minutes of a market: reference price and our quotes, our quotes no finer than the policy lets them."""
    policy = publication_in_force()
    until = policy.quotes_until(to_datetime(now_ns))
    body = history_json(slug, min(seconds, MOST_SECONDS), now_ns, PUBLIC_SERIES)
    if until is None:
        return body
    last = {int(at // policy.quote_granularity_s): n for n, at in enumerate(body["t"]) if at < until.timestamp()}
    return body | {name: [body[name][n] for n in last.values()] for name in ("t", *PUBLIC_SERIES)}


def public_json(market: PublicMarket) -> dict[str, Any]:
    """JSON form: money as strings, times in ISO 8601 UTC."""
    uptime = market.uptime
    return quotes_json(market.status) | {
        "outcome": market.outcome,
        "inventory": text(market.inventory),
        "inventory_target": text(market.status.limits.target) if market.status.limits else None,
        "inventory_step": text(market.inventory_step),
        "inventory_at": iso(market.inventory_at),
        "inventory_delay_s": market.policy.delay_s,
        "publication_version": market.policy.version,
        "uptime": None if uptime is None else text(uptime.share),
        "uptime_minutes": 0 if uptime is None else uptime.minutes,
        "uptime_since": None if uptime is None else iso(uptime.since),
        "volume": text(market.volume),
        "volume_step": text(market.volume_step),
        "volume_until": iso(market.volume_until),
        "daily_pnl": [
            {"day": each.day.isoformat(), "last_day": each.last_day.isoformat(), "pnl": text(each.pnl)}
            for each in market.daily
        ],
        "figures_at": iso(market.figures_at),
    }
