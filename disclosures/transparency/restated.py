"""Restatements as the public sees them: where a figure that is told changed, with what it was told as before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Q

from disclosures.models import Restatement
from disclosures.models.measures import SAMPLED
from disclosures.transparency.publication import CENT, Publication, publication_in_force
from disclosures.transparency.rollups.calendar import DAY, HOUR, MINUTE
from disclosures.transparency.rollups.restating import PNL
from disclosures.transparency.tables import Cell, PublicTable, hard_limits
from trading.market_status import iso, text
from trading.models import Market

MOST: Final = 500
# Looked at for the rows that are told: what rounds to the same is not.
_LOOKED_AT: Final = 1_000
_LENGTHS: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}
# Quantities of ours that are told rounded, by complete hour.
ROUNDED: Final = ("bought_base", "sold_base")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of `restatements`, as far as it is told."""

    at: datetime
    market_id: int
    bucket: str
    starts_at: datetime
    measure: str
    before: Decimal | None
    after: Decimal | None
    causes: str


_FIELDS: Final = ("at", "market_id", "bucket", "starts_at", "measure", "before", "after", "causes")


def restatements(now: datetime, most: int = MOST, which: Q | None = None) -> PublicTable:
    """Newest first, at most `most`; `which`: of those rows alone."""
    policy = publication_in_force()
    found = (
        Restatement.objects.filter(at__lte=policy.until(now))
        .filter(which or Q(), measure__in=(*SAMPLED, *ROUNDED, PNL))
        .order_by("-at", "-id")
        .values_list(*_FIELDS)[:_LOOKED_AT]
    )
    markets = {market.pk: market for market in Market.objects.all()}
    limits = hard_limits(markets.values())
    rows: list[tuple[Cell, ...]] = []
    for values in found:
        row = _Row(*values)
        told = _told(row, limits.get(row.market_id), policy, now)
        if told is not None and len(rows) < most:
            at = (iso(row.at), markets[row.market_id].slug, row.bucket, iso(row.starts_at))
            rows.append((*at, row.measure, text(told[0]), text(told[1]), row.causes))
    columns = ("restated_at", "market", "bucket", "starts_at", "figure", "before", "after", "causes")
    source = "Written when a closed figure changes."
    return PublicTable("restatements", "restatements", source, columns, rows, policy)


def _told(
    row: _Row, hard: Decimal | None, policy: Publication, now: datetime
) -> tuple[Decimal | None, Decimal | None] | None:
    """Before and after as they are told; None where nothing of it is."""
    length = _LENGTHS[row.bucket]
    if row.measure == PNL:
        told = policy.pnl_granularity_days == 1 and row.before is not None
        return (_cents(row.before), _cents(row.after)) if told else None
    if row.measure in ROUNDED:
        before, after = policy.rounded(row.before or Decimal(0), hard), policy.rounded(row.after, hard)
        is_told = length >= HOUR and before != after and row.starts_at + length <= policy.volume_until(now)
        return (before, after) if is_told else None
    return (row.before, row.after) if length >= policy.quote_bucket() else None


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(CENT)
