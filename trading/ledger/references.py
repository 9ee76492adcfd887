"""Reference prices at the time of booking, from the hot state: marks on fills, and rates frozen on fees and
transfers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import redis
import structlog

from trading.hot_state.market import feed_age_s, read_market_view_sync
from trading.hot_state.values import MarketView
from trading.ledger.desk import Desk

log = structlog.get_logger(__name__)

# A fill booked later than this after its execution gets no mark: the price now says nothing about the fill.
MARK_WITHIN = timedelta(seconds=5)
MARK_FEED_AGE_S = 3.0
# A rate is frozen for good, but a transfer may wait for it: younger is better than sooner, within reason.
RATE_FEED_AGE_S = 60.0


class References:
    """Reference prices as of `now`; each market's view is read at most once. Without Redis there is none."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._now_ns = int(now.timestamp() * 1_000_000) * 1_000
        self._views: dict[str, MarketView | None] = {}

    def mark(self, slug: str, executed_at: datetime) -> Decimal | None:
        """Reference price of a market for a fill executed at `executed_at` (venue clock); None where it would
        mislead.
        """
        if abs(self._now - executed_at) > MARK_WITHIN:
            return None
        return self._reference(slug, MARK_FEED_AGE_S)

    def rate(self, desk: Desk, asset: str, quote: str) -> Decimal | None:
        """Quote per unit of `asset`, from any of the desk's markets that trades the two; None where no feed
        is fresh.
        """
        if asset == quote:
            return Decimal(1)
        pairs = (
            m.slug for m in sorted(desk.markets.values(), key=lambda m: m.id) if (m.base, m.quote) == (asset, quote)
        )
        rates = (self._reference(slug, RATE_FEED_AGE_S) for slug in pairs)
        return next((rate for rate in rates if rate is not None), None)

    def _reference(self, slug: str, feed_age_limit_s: float) -> Decimal | None:
        view = self._view(slug)
        if view is None or view.reference is None or view.reference <= 0:
            return None
        return view.reference if feed_age_s(view, self._now_ns) <= feed_age_limit_s else None

    def _view(self, slug: str) -> MarketView | None:
        if slug not in self._views:
            try:
                self._views[slug] = read_market_view_sync(slug)
            except redis.RedisError as problem:
                log.warning("reference_not_read", market=slug, problem=type(problem).__name__)
                self._views[slug] = None
        return self._views[slug]
