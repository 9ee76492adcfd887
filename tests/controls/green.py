"""Markets for which every check passes, and ways to make one fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.pages import stage
from trading.models import Market, ReconciliationReport


def nanoseconds(now: datetime) -> int:
    return round(now.timestamp() * 1e9)


def feed(slug: str, now: datetime, **changes: Any) -> None:
    """A fresh view of the market at `now`, with `changes`."""
    stage.put_view(replace(stage.view(slug, nanoseconds(now)), **changes))


def compared(slug: str, now: datetime, equal: bool = True) -> None:
    """Ledger and venue of the market's account were compared at `now`."""
    account = Market.objects.get(slug=slug).account
    ReconciliationReport.objects.create(
        account=account, at=now, trigger="test", equal=equal, differences=[], duration_ms=1.0
    )


def green(now: datetime, *slugs: str) -> None:
    """Feed, reference, inventory at its target and an equal comparison, for both markets unless some are named."""
    for slug in slugs or (stage.DEX, stage.CEX):
        feed(slug, now)
        stage.put_position(slug, *(("200000", "47300", "0") if slug == stage.DEX else ("20000", "36480", "0")))
        compared(slug, now)
