"""The sample of every market, once a minute: spread, depth, volatility, state, and the volumes of the minutes before.

Written from the same reading that pages show. Running twice in a minute changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading.clock import to_datetime
from trading.hot_state.overview import read_overviews
from trading.hot_state.values import HotMinuteVolume
from trading.market_status import MarketStatus
from trading.models import Market, MarketSample
from trading.models.samples import DEPTH_BANDS, DEPTH_SIDES
from trading.selectors import all_market_status

# Views hold fewer minutes than this.
VOLUMES_HELD = timedelta(minutes=10)
# Older than the longest bound that any market's parameters may set (`feed_stale_s`), a view says nothing of now.
STALE_AFTER_S = 10.0
_SIGMA_STEP = Decimal("1e-12")
_LARGEST_SIGMA = Decimal(10) ** 7


def take_samples(now_ns: int) -> int:
    """Write this minute's row of every active market, and volumes of earlier minutes into theirs; how many rows are new."""
    minute = to_datetime(now_ns).replace(second=0, microsecond=0)
    ids = dict(Market.objects.filter(is_active=True).values_list("slug", "pk"))
    known = set(MarketSample.objects.filter(minute=minute).values_list("market_id", flat=True))
    rows = [
        _row(ids[status.slug], minute, status, to_datetime(now_ns))
        for status in all_market_status(now_ns)
        if ids.get(status.slug) not in (None, *known)
    ]
    MarketSample.objects.bulk_create(rows, ignore_conflicts=True)
    _add_volumes(ids, minute)
    return len(rows)


def _row(market_id: int, minute: datetime, status: MarketStatus, now: datetime) -> MarketSample:
    sample = MarketSample(market_id=market_id, minute=minute, sampled_at=now, state=status.state)
    sample.our_spread_bps = status.spread_bps
    if status.feed_age_s is not None and status.feed_age_s <= STALE_AFTER_S:
        for name, value in _seen(status).items():
            setattr(sample, name, value)
    return sample


def _seen(status: MarketStatus) -> dict[str, Any]:
    """What the market's fresh view tells."""
    seen: dict[str, Any] = {
        "regime": status.regime,
        "sigma_per_sqrt_s": _sigma(status.sigma),
        "reference_price": status.mid if status.mid_source != "none" else None,
        "reference_source": status.mid_source,
        "market_spread_bps": status.market_spread_bps,
    }
    bands = {band.band_pct.normalize(): band for band in status.depth}
    for name, pct in DEPTH_BANDS.items():
        band = bands.get(Decimal(pct).normalize())
        if band is not None:
            seen |= {f"depth_{name}_{side}_quote": getattr(band, side) for side in DEPTH_SIDES}
    seen["depth_is_complete"] = len(bands) > 0 and all(band.is_complete for band in status.depth)
    return seen


def _sigma(sigma: float | None) -> Decimal | None:
    value = None if sigma is None else Decimal(str(sigma))
    return value.quantize(_SIGMA_STEP) if value is not None and value.is_finite() and value < _LARGEST_SIGMA else None


def _add_volumes(ids: dict[str, int], until: datetime) -> None:
    """Volumes of every minute before `until` that views still hold, into rows that have none yet: a run may have been missed."""
    waiting = MarketSample.objects.filter(
        minute__gte=until - VOLUMES_HELD, minute__lt=until, market_volume_quote=None, market_id__in=ids.values()
    )
    minutes: dict[int, list[datetime]] = {}
    for market_id, minute in waiting.values_list("market_id", "minute"):
        minutes.setdefault(market_id, []).append(minute)
    if not minutes:
        return
    accounts = Market.objects.filter(pk__in=minutes).values_list("slug", "account__slug")
    for slug, overview in read_overviews(accounts).items():
        volumes = overview.view.volumes if overview.view else ()
        for minute in minutes[ids[slug]]:
            found = _volume(volumes, minute)
            if found is not None:
                waiting.filter(market_id=ids[slug], minute=minute).update(market_volume_quote=found)


def _volume(volumes: tuple[HotMinuteVolume, ...], minute: datetime) -> Decimal | None:
    start_ns = int(minute.timestamp()) * 1_000_000_000
    return next((each.quote for each in volumes if each.minute_ns == start_ns and each.is_whole), None)
