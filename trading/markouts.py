"""Markouts of every market's own fills: metrics at fixed horizons, and the mean that the toxicity breaker judges.

Computed anew each time from booked fills and the recorded reference prices, so that no restart forgets or doubles one.
"""

from __future__ import annotations

from decimal import Decimal

import structlog

from trading import metrics
from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.market import read_history_sync
from trading.hot_state.session import write_markouts_sync
from trading.hot_state.values import HotMarkouts
from trading.models import Fill, ParameterSet
from trading.registry.selectors import MarketRef, active_markets
from trading.risk.markout import HORIZONS_S, FilledAt, markouts
from trading.risk.side import Side

log = structlog.get_logger(__name__)
# Fills older than this say nothing about the flow now.
LOOK_BACK_S = 900
MOST_FILLS = 500


def measure_markouts(now_ns: int) -> int:
    """Measure every active market; how many had a fill to judge."""
    judged = {
        row.market_id: (row.toxicity_fills, row.toxicity_horizon_s)
        for row in ParameterSet.objects.only("market_id", "toxicity_fills", "toxicity_horizon_s")
    }
    found = 0
    for market in active_markets():
        fills, horizon_s = judged.get(market.id, (Decimal(0), Decimal(0)))
        try:
            found += _measure(market, int(fills), float(horizon_s), now_ns)
        except HotStateUnavailable as problem:
            log.warning("markouts_not_measured", market=market.slug, problem=type(problem).__name__)
    return found


def _measure(market: MarketRef, judged: int, horizon_s: float, now_ns: int) -> int:
    since_ns = now_ns - LOOK_BACK_S * 10**9
    fills = _fills(market.id, since_ns)
    points = [point for point in read_history_sync(market.slug, since_ns) if point.mid is not None]
    times = [point.at_ns for point in points]
    prices = [float(point.mid) for point in points if point.mid is not None]
    for horizon in HORIZONS_S:
        mean = _mean(markouts(fills, times, prices, horizon, now_ns)[-judged:] if judged else [])
        if mean is not None:
            metrics.MARKOUT_BPS.labels(market.slug, f"{horizon:g}").set(mean)
    last = markouts(fills, times, prices, horizon_s, now_ns)[-judged:] if judged else []
    write_markouts_sync(HotMarkouts(market.slug, now_ns, _mean(last), len(last)))
    return int(bool(last))


def _fills(market_id: int, since_ns: int) -> list[FilledAt]:
    """Fills since then, oldest first, the newest `MOST_FILLS`."""
    rows = Fill.objects.filter(market_id=market_id).order_by("-executed_at", "-id")
    found = [
        FilledAt(round(at.timestamp() * 1e9), Side(side), float(price))
        for at, side, price in rows.values_list("executed_at", "side", "price")[:MOST_FILLS]
    ]
    return [one for one in reversed(found) if one.at_ns >= since_ns]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
