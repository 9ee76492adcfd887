"""The versions of a market's parameters, from their history table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Max, Window
from django.db.models.functions import Lag, RowNumber

from trading.market_status import iso, text
from trading.models import Market, ParameterSet
from trading.parameters.schema import SCHEMA
from trading.parameters.services import current_values


def parameter_versions(slug: str, limit: int = 100) -> list[dict[str, Any]]:
    """Newest first; `changed` names what differs from the version before (all of them in the first)."""
    market_id = Market.objects.filter(slug=slug).values_list("pk", flat=True).first()
    history: Any = ParameterSet.history.filter(market_id=market_id).order_by("-version", "-history_id")
    rows = list(history[: limit + 1])
    versions = [_version(row, rows[index + 1] if index + 1 < len(rows) else None) for index, row in enumerate(rows)]
    return versions[:limit]


def _version(row: Any, before: Any | None) -> dict[str, Any]:
    names = [spec.name for spec in SCHEMA]
    return {
        "version": row.version,
        "applied_at": iso(row.applied_at),
        "actor": row.actor_name,
        "reason": row.reason,
        "authorised_by": row.authorised_by,
        "values_hash": row.values_hash,
        "values": {name: text(getattr(row, name)) for name in names},
        "changed": [name for name in names if before is None or getattr(row, name) != getattr(before, name)],
    }


@dataclass(frozen=True, slots=True)
class VersionHead:
    """A version of a market's parameters without its values: the row of the history that holds it, and the one before."""

    market: str
    version: int
    applied_at: datetime
    row_id: int
    before_id: int | None


def version_heads(slugs: Iterable[str], most_each: int | None = None) -> list[VersionHead]:
    """The newest `most_each` versions (every one without it) of each of these markets, newest first whatever the market, with one
    query. A row of the history that says what the one before it said is no version."""
    own: dict[str, Any] = {
        "partition_by": F("market_id"),
        "order_by": [F("version").asc(), F("history_id").asc()],
    }
    newest: dict[str, Any] = {**own, "order_by": [F("version").desc(), F("history_id").desc()]}
    history: Any = ParameterSet.history.filter(market__slug__in=list(slugs))
    rows = history.annotate(
        before_id=Window(Lag("history_id"), **own),
        before_hash=Window(Lag("values_hash"), **own),
        place=Window(RowNumber(), **newest),
    )
    rows = rows if most_each is None else rows.filter(place__lte=most_each)
    names = ("market__slug", "version", "applied_at", "history_id", "before_id", "values_hash", "before_hash")
    found = [VersionHead(*row[:5]) for row in rows.order_by().values_list(*names) if row[5] != row[6]]
    return sorted(found, key=lambda head: (head.applied_at, head.market, head.version, head.row_id), reverse=True)


def versions_of(heads: Iterable[VersionHead]) -> list[tuple[VersionHead, dict[str, Any], dict[str, Any] | None]]:
    """Each head with what `parameter_versions` says of it and of the version before, with one query."""
    wanted = list(heads)
    ids = {key for head in wanted for key in (head.row_id, head.before_id) if key is not None}
    rows: Any = ParameterSet.history.in_bulk(ids, field_name="history_id") if ids else {}
    found = []
    for head in wanted:
        before = rows.get(head.before_id)
        found.append((head, _version(rows[head.row_id], before), None if before is None else _version(before, None)))
    return found


def largest_hard_lots(market_ids: Iterable[int]) -> dict[int, Decimal]:
    """The largest `q_hard_lots` (lots) that each market ever had, by market id; one without parameters is missing."""
    ids, history = list(market_ids), ParameterSet.history
    now: Any = ParameterSet.objects.filter(market_id__in=ids).order_by().values_list("market_id", "q_hard_lots")
    ever: Any = history.filter(market_id__in=ids).order_by().values("market_id").annotate(most=Max("q_hard_lots"))
    found: dict[int, Decimal] = {}
    for market_id, lots in now.union(ever.values_list("market_id", "most"), all=True):
        found[market_id] = max(lots, found.get(market_id, lots))
    return found


@dataclass(frozen=True, slots=True)
class VersionInForce:
    """The version of a market's parameters that held at some time. `is_whole` False: it is the market's first, made later."""

    version: int
    applied_at: datetime
    is_whole: bool
    values: dict[str, Decimal]


def version_in_force(slug: str, at: datetime) -> VersionInForce | None:
    """The market's version at `at`, or its first one where it is younger; None where it has none."""
    history: Any = ParameterSet.history.filter(market__slug=slug)
    row = history.filter(applied_at__lte=at).order_by("-version", "-history_id").first()
    found = row or history.order_by("version", "history_id").first()
    if found is None:
        return None
    return VersionInForce(found.version, found.applied_at, row is not None, current_values(found))
