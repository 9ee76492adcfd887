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
RESTATEMENT_COLUMNS: Final = ("restated_at", "market", "bucket", "starts_at", "figure", "before", "after", "causes")
# Rounded quantities looked at for those that are told: what rounds to the same is not.
_LOOKED_AT: Final = 1_000
_LENGTHS: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}
# Quantities of ours that are told rounded, by complete hour.
ROUNDED: Final = ("bought_base", "sold_base")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of `restatements`, as far as it is told."""

    id: int
    at: datetime
    market_id: int
    bucket: str
    starts_at: datetime
    measure: str
    before: Decimal | None
    after: Decimal | None
    causes: str


_FIELDS: Final = ("id", "at", "market_id", "bucket", "starts_at", "measure", "before", "after", "causes")


def restatements(now: datetime, most: int | None = MOST, which: Q | None = None) -> PublicTable:
    """Newest first, at most `most` (None: all of them); `which`: of those rows alone."""
    policy = publication_in_force()
    told_by_now = Restatement.objects.filter(which or Q(), at__lte=policy.until(now)).order_by("-at", "-id")
    # Apart, so that quantities which round to the same hide nothing that is told as it is.
    exact = told_by_now.filter(_exact(policy)).values_list(*_FIELDS)[:most]
    rounded = told_by_now.filter(_complete_hours(policy, now)).values_list(*_FIELDS)[
        : None if most is None else _LOOKED_AT
    ]
    found = sorted((_Row(*values) for values in (*exact, *rounded)), key=lambda row: (row.at, row.id), reverse=True)
    markets = {market.pk: market for market in Market.objects.all()}
    limits = hard_limits(markets.values())
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        told = _told(row, limits.get(row.market_id), policy)
        if told is not None and (most is None or len(rows) < most):
            at = (iso(row.at), markets[row.market_id].slug, row.bucket, iso(row.starts_at))
            rows.append((*at, row.measure, text(told[0]), text(told[1]), row.causes))
    source = "Written when a closed figure changes."
    return PublicTable("restatements", "restatements", source, RESTATEMENT_COLUMNS, rows, policy)


def _exact(policy: Publication) -> Q:
    """What is told as it is: samples in the buckets of our quotes or larger, P&L where it is told by day."""
    buckets = [name for name, length in _LENGTHS.items() if length >= policy.quote_bucket()]
    sampled = Q(measure__in=SAMPLED, bucket__in=buckets)
    return sampled | Q(measure=PNL, before__isnull=False) if policy.pnl_granularity_days == 1 else sampled


def _complete_hours(policy: Publication, now: datetime) -> Q:
    """Quantities of buckets of an hour or more that are over."""
    until, over = policy.volume_until(now), Q()
    for name, length in _LENGTHS.items():
        if length >= HOUR:
            over |= Q(bucket=name, starts_at__lte=until - length)
    return over & Q(measure__in=ROUNDED)


def _told(row: _Row, hard: Decimal | None, policy: Publication) -> tuple[Decimal | None, Decimal | None] | None:
    """Before and after as they are told; None where both are told as the same."""
    if row.measure == PNL:
        return _cents(row.before), _cents(row.after)
    if row.measure not in ROUNDED:
        return row.before, row.after
    before, after = policy.rounded(row.before or Decimal(0), hard), policy.rounded(row.after, hard)
    return None if before == after else (before, after)


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(CENT)
