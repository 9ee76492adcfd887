"""One volatility snapshot per market and minute in PostgreSQL (run in the service's DB thread)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from trading.market_data.volatility_grid import StoredVolatility
from trading.models import VolatilitySnapshot
from trading.strategy.volatility import Volatility


def persist_volatility(measured: Mapping[int, Volatility], now: datetime) -> int:
    """Write the snapshot of the minute of `now` for each market id; a minute already written stays as it is.

    Returns how many snapshots were offered to the database.
    """
    minute = now.replace(second=0, microsecond=0)
    rows = [
        VolatilitySnapshot(
            market_id=market_id,
            minute=minute,
            sigma_raw=one.raw,
            sigma_effective=one.effective,
            regime=one.regime.value,
            samples=one.samples,
            is_warm=one.warm,
        )
        for market_id, one in measured.items()
    ]
    VolatilitySnapshot.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def last_volatility(market_ids: Iterable[int], now: datetime) -> dict[int, StoredVolatility]:
    """The newest snapshot of each market, with its age."""
    newest = VolatilitySnapshot.objects.filter(market_id__in=list(market_ids)).order_by("market_id", "-minute")
    return {
        row.market_id: StoredVolatility(row.sigma_raw, row.samples, max(0.0, (now - row.minute).total_seconds()))
        for row in newest.distinct("market_id")
    }
