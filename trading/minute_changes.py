"""Which minutes of which markets changed: taken once, in the transaction of whoever sums them up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from trading.copying import NotInTransaction
from trading.models import MinuteChange

# Chosen once, before anything is removed: a sub-select with a LIMIT in the condition may be asked again for every row (it is,
# where the planner joins in a loop), and each time it skips what is gone and takes as many more.
_TAKE = """
WITH taken AS MATERIALIZED (
    SELECT id FROM minute_changes ORDER BY source = 'recompute', id LIMIT %s FOR UPDATE SKIP LOCKED)
DELETE FROM minute_changes USING taken WHERE minute_changes.id = taken.id
RETURNING market_id, minute, source
"""


@dataclass(frozen=True, slots=True, order=True)
class ChangedMinute:
    """`source` is a word of `MinuteChange.Source`; `minute` is its start, UTC."""

    market_id: int
    minute: datetime
    source: str


def take_changes(limit: int) -> list[ChangedMinute]:
    """Up to `limit` marks, removed: they come back if the caller's transaction does not commit. Oldest first, and what is to be
    summed up again last: thousands of old minutes hold nothing new back.

    Raises `NotInTransaction`.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("take_changes() must run inside the transaction that sums the minutes up")
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        return sorted(ChangedMinute(*row) for row in cursor.fetchall())


def mark_again(minutes: Iterable[tuple[int, datetime]]) -> int:
    """Mark (market id, minute) pairs to be summed up again; how many."""
    rows = [
        MinuteChange(market_id=market, minute=minute, source=MinuteChange.Source.RECOMPUTE)
        for market, minute in minutes
    ]
    MinuteChange.objects.bulk_create(rows, batch_size=5000)
    return len(rows)
