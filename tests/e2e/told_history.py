"""A month of sums for one market, as the rollups keep them, so that its charts, lists and restatements have something to show."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from disclosures.models import Restatement, RollupDay, RollupHour, RollupMinute, RollupProgress
from disclosures.transparency.rollups.calendar import day_bounds, day_of, hour_of, minute_of
from tests.pages import stage
from trading.models import Lock, Market

DAYS, MINUTES = 31, 180


def sums(number: int, minutes: int) -> dict[str, Any]:
    """A quiet wave; every ninth bucket holds a pause."""
    wave = Decimal(str(round(math.sin(number / 5), 3)))
    paused, base = minutes // 3 if number % 9 == 8 else 0, 30 * minutes
    depth = {
        f"depth_{band}_{side}_quote": Decimal(size * factor * minutes) * (1 + wave / 6)
        for band, size in (("05", 200), ("1", 420), ("2", 900))
        for side, factor in (("our_bid", 1), ("our_ask", 1), ("bid", 18), ("ask", 21))
    }
    return depth | {
        "samples": minutes, "our_spread_samples": minutes, "our_spread_bps_sum": minutes * (Decimal("4.2") + wave),
        "market_spread_samples": minutes, "market_spread_bps_sum": minutes * (Decimal("2.1") + wave / 2),
        "depth_samples": minutes, "sigma_samples": minutes, "sigma_sum": minutes * (Decimal("0.00012") + wave / 50_000),
        "calm_samples": minutes // 4, "normal_samples": minutes - minutes // 4, "paused_samples": paused,
        "active_samples": minutes - paused, "quoting_s": 58 * (minutes - paused), "one_sided_s": minutes,
        "market_volume_minutes": minutes, "market_volume_quote": 90 * minutes * (1 + wave / 2), "bought_base": base,
        "sold_base": base, "base_change": 3 * wave * minutes, "cash_flow_quote": wave * minutes / 9, "fills": minutes // 5,
        "closing_reference_price": Decimal("0.2365") + wave / 1000,
    }  # fmt: skip


def plant(now: datetime) -> None:
    """For the first market; what is there is closed up to the last minute."""
    market = Market.objects.get(slug=stage.DEX)
    hour, minute, today = hour_of(now), minute_of(now), day_of(now)
    RollupMinute.objects.bulk_create(
        RollupMinute(market=market, starts_at=minute - timedelta(minutes=n), **sums(n, 1)) for n in range(1, MINUTES)
    )
    RollupHour.objects.bulk_create(
        RollupHour(market=market, starts_at=hour - timedelta(hours=n), **sums(n, 60)) for n in range(1, 24 * DAYS)
    )
    for n in range(DAYS):
        day = today - timedelta(days=n)
        start, end = day_bounds(day)
        RollupDay.objects.create(market=market, day=day, starts_at=start, ends_at=end, **sums(n, 1440))
    RollupProgress.objects.update_or_create(pk=1, defaults={"closed_until": minute, "rolled_at": now})
    Restatement.objects.create(
        market=market, bucket="hour", starts_at=hour - timedelta(hours=30), measure="quoting_s", before=3300, after=3360,
        causes="fill", at=now - timedelta(hours=1),
    )  # fmt: skip
    for n, (rule, reason) in enumerate(
        (
            ("person", "The venue announced maintenance."),
            ("breaker", "price_move: 4.1 % in 60 s"),
            ("feed", "stale_book: 12 s"),
        )
    ):
        began = now - timedelta(hours=5 + 7 * n)
        Lock.objects.create(
            scope=stage.DEX, state="PAUSED", rule=rule, reason=reason, imposed_at=began, imposed_by="operator",
            lifted_at=began + timedelta(minutes=20), lifted_by="operator", lift_reason="Looked at; all is well again.",
        )  # fmt: skip
