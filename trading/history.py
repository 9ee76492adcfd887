"""The last two hours of a market for charts, thinned to what a screen can show."""

from __future__ import annotations

from typing import Any

import redis

from trading.hot_state.market import read_history_sync
from trading.hot_state.values import HistoryPoint
from trading.market_status import text

MOST_SECONDS = 7200
MOST_POINTS = 1200
PUBLIC_SERIES = ("mid", "bid", "ask")
DESK_SERIES = (*PUBLIC_SERIES, "inventory", "realised", "unrealised")


def history_json(slug: str, seconds: int, now_ns: int, series: tuple[str, ...]) -> dict[str, Any]:
    """Columns of one market's history, oldest first: `t` in seconds since the epoch, each of `series` as strings or null.

    `seconds` is cut to 1..7200. An unreachable hot state gives empty columns, which the page shows as what it is.
    """
    window = max(1, min(seconds, MOST_SECONDS))
    try:
        points = read_history_sync(slug, now_ns - window * 1_000_000_000, limit=MOST_SECONDS + 600)
    except redis.RedisError:
        points = []
    kept = _thinned(points)
    columns: dict[str, Any] = {"market": slug, "seconds": window, "t": [point.at_ns / 1e9 for point in kept]}
    for name in series:
        columns[name] = [text(getattr(point, name)) for point in kept]
    return columns


def _thinned(points: list[HistoryPoint]) -> list[HistoryPoint]:
    """Every n-th point, the newest always kept."""
    step = -(-len(points) // MOST_POINTS) or 1
    return points[::-1][::step][::-1]
