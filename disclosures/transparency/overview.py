"""Every active market as one row, from its public form and its told hours."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Sum

from disclosures.models import RollupHour
from disclosures.models.measures import CLOSING
from disclosures.transparency.metrics import METRICS, Bucket
from disclosures.transparency.public_market import public_json, public_markets
from disclosures.transparency.publication import Publication, publication_in_force
from disclosures.transparency.rollups.calendar import DAY, HOUR
from disclosures.transparency.tables import Cell, PublicTable, closed_until, hard_limits
from trading.clock import to_datetime
from trading.models import Market

_BANDS: Final = {"0.5": "05", "1": "1", "2": "2"}
_DEPTHS: Final = ("our_bid", "our_ask", "bid", "ask", "is_complete")
COLUMNS: Final = (
    "slug", "venue", "symbol", "instrument", "state", "outcome", "mid", "mid_source", "bid", "bid_size", "ask", "ask_size",
    "market_bid", "market_ask", "spread_bps", "market_spread_bps", "uptime", "volume", "volume_step", "volume_until",
    "inventory", "inventory_target", "inventory_step", "inventory_at", "parameter_version", "updated_at",
)  # fmt: skip
DEPTH_COLUMNS: Final = tuple(f"depth_{band}_{name}" for band in _BANDS.values() for name in _DEPTHS)
_SUMMED: Final = ("bought_base", "sold_base", "market_volume_quote", "market_volume_minutes")


def overview(now_ns: int) -> PublicTable:
    """The same texts as the list of markets tells, with depth and our share of the volume of a day."""
    policy, shares = publication_in_force(), volume_shares(to_datetime(now_ns))
    rows = []
    for market in public_markets(now_ns):
        told = public_json(market)
        rows.append((*(told[name] for name in COLUMNS), shares.get(told["slug"]), *_depth(told["depth"])))
    columns = (*COLUMNS, "volume_share", *DEPTH_COLUMNS)
    return PublicTable("markets", "quotes", "The venue's order book, our orders, the ledger.", columns, rows, policy)


def _depth(bands: list[dict[str, Any]]) -> tuple[Cell, ...]:
    told = {band["band_pct"]: band for band in bands}
    return tuple(told[band][name] if band in told else None for band in _BANDS for name in _DEPTHS)


def volume_shares(now: datetime) -> dict[str, str | None]:
    """Our share (0..1) of the volume of the last 24 complete hours that are told, by market; None where either is not known."""
    policy, closed = publication_in_force(), closed_until()
    if closed is None:
        return {}
    until = policy.volume_until(min(now, closed))
    hours = RollupHour.objects.filter(starts_at__gte=until - DAY, starts_at__lt=until)
    sums = hours.order_by().values("market_id").annotate(
        hours=Count("pk"), **{f"all_{name}": Sum(name) for name in _SUMMED}
    )  # fmt: skip
    prices = dict(hours.filter(starts_at=until - HOUR).values_list("market_id", CLOSING))
    markets = Market.objects.filter(is_active=True).in_bulk()
    hard = hard_limits(markets.values())
    return {
        markets[row["market_id"]].slug: _share(row, prices.get(row["market_id"]), policy, hard.get(row["market_id"]))
        for row in sums
        if row["market_id"] in markets
    }


def _share(row: dict[str, Any], price: Decimal | None, policy: Publication, hard: Decimal | None) -> str | None:
    """By the formula of the series, over the hours of the day that there are as one bucket."""
    sums = {name: row[f"all_{name}"] for name in _SUMMED} | {CLOSING: price}
    seconds = row["hours"] * int(HOUR.total_seconds())
    return METRICS["volume"].tell(Bucket(sums, seconds, policy, hard, Decimal(0)))[2]
