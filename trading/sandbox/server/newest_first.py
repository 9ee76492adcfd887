"""Pages newest first over histories that the engine reads oldest first, without loading the whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Row = TypeVar("Row")
SCAN_LIMIT = 20_000  # keys looked at per request: what lies further back is outside this venue's history window


def last_key(exists_after: Callable[[int], bool], known: int) -> int:
    """The largest key, given whether any row has a key greater than n; gallops up from `known`."""
    low, step = known, 1
    while exists_after(low + step):
        low += step
        step *= 2
    if not exists_after(low):
        return low
    high = low + step  # nothing lies after it
    low += 1
    while low < high:
        middle = (low + high) // 2
        if exists_after(middle):
            low = middle + 1
        else:
            high = middle
    return low


def page(
    rows_after: Callable[[int, int], list[Row]],
    key: Callable[[Row], int],
    accept: Callable[[Row], bool],
    *,
    newest: int,
    after: int | None,
    before: int | None,
    limit: int,
) -> list[Row]:
    """Up to `limit` accepted rows with before < key < after, newest first. `rows_after(n, m)`: m rows with key > n."""
    high = newest + 1 if after is None else min(after, newest + 1)
    floor = max(0, before or 0, high - SCAN_LIMIT)
    found: list[Row] = []
    width = max(2 * limit, 50)
    while high > floor + 1 and len(found) < limit:
        low = max(floor, high - 1 - width)
        rows = [row for row in rows_after(low, width) if low < key(row) < high]
        found.extend(row for row in reversed(rows) if accept(row))
        high, width = low + 1, min(width * 2, 1000)
    return found[:limit]
