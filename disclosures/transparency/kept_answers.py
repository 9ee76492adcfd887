"""Answers that follow from closed sums, kept by each process until anything that they follow from changes.

What is told of closed minutes, hours and days changes with the next close, a restatement, the publication policy, or the limit
that roundings are a fraction of. Each of these is read again for every answer and is part of the answer's name, so that none
outlives it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.core.cache import caches
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from disclosures.models import RollupProgress
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.rollups.calendar import minute_of
from disclosures.transparency.tables import hard_limits
from trading.models import Market

# Longer than the minute in which it can be asked for again.
KEPT_S: Final = 90


def kept_answer(name: str, market: Market, now: datetime, make: Callable[[], Any]) -> Any:
    """What `make` gives, or gave before to the same question; `name` tells the question of `market`, over a range that ends now,
    from every other."""
    cache, key = caches["answers"], f"{name}:{_standing(market, now)}"
    kept = cache.get(key)
    if kept is None:
        kept = make()
        cache.set(key, kept, KEPT_S)
    return kept


def _standing(market: Market, now: datetime) -> str:
    """Another one as soon as the same question has another answer: every transaction that sums anything up writes the row of the
    progress, whose version the database counts itself; a named range moves on by the minute."""
    written = RawSQL("rollup_progress.xmin::text || rollup_progress.ctid::text", (), TextField())
    sums = RollupProgress.objects.filter(pk=1).values_list(written, flat=True).first()
    limit = hard_limits([market]).get(market.pk)
    version = f"{market.pk}:{market.version}:{publication_in_force().version}"
    return f"{version}:{limit}:{sums}:{minute_of(now):%Y%m%d%H%M}".replace(" ", "")
