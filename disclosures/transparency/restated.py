"""Restatements as the public sees them: where a figure that is told changed, with what it was told as before and after."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Q

from disclosures.models import Restatement
from disclosures.models.measures import SAMPLED
from disclosures.transparency.publication import CENT, Publication, publication_in_force
from disclosures.transparency.rollups.calendar import DAY, HOUR, MINUTE
from disclosures.transparency.rollups.restating import PNL
from disclosures.transparency.tables import Cell, PublicTable
from trading.market_status import iso, text

MOST: Final = 500
# Looked at for the rows that are told: what rounds to the same is not.
_LOOKED_AT: Final = 5_000
_LENGTHS: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}
# Quantities of ours that are told rounded, by complete hour.
ROUNDED: Final = ("bought_base", "sold_base")


def restatements(now: datetime) -> PublicTable:
    """Newest first, at most `MOST`."""
    policy = publication_in_force()
    found = (
        Restatement.objects.filter(at__lte=policy.until(now))
        .filter(Q(measure__in=(*SAMPLED, *ROUNDED, PNL)))
        .select_related("market", "market__parameter_set")
        .order_by("-at", "-id")[:_LOOKED_AT]
    )
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        told = _told(row, policy, now)
        if told is None:
            continue
        before, after = told
        at = (iso(row.at), row.market.slug, row.bucket, iso(row.starts_at))
        rows.append((*at, row.measure, text(before), text(after), row.causes))
    columns = ("restated_at", "market", "bucket", "starts_at", "figure", "before", "after", "causes")
    source = "Written when a closed figure changes."
    return PublicTable("restatements", "restatements", source, columns, rows[:MOST], policy)


def _told(row: Restatement, policy: Publication, now: datetime) -> tuple[Decimal | None, Decimal | None] | None:
    """Before and after as they are told; None where nothing of it is."""
    length = _LENGTHS[row.bucket]
    if row.measure == PNL:
        told = policy.pnl_granularity_days == 1 and row.before is not None
        return (_cents(row.before), _cents(row.after)) if told else None
    if row.measure in ROUNDED:
        found = getattr(row.market, "parameter_set", None)
        hard = None if found is None else found.q_hard_lots * row.market.lot_size
        before, after = policy.rounded(row.before or Decimal(0), hard), policy.rounded(row.after, hard)
        is_told = length >= HOUR and before != after and row.starts_at + length <= policy.volume_until(now)
        return (before, after) if is_told else None
    return (row.before, row.after) if length >= policy.quote_bucket() else None


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(CENT)
