"""What a report says, as one value for every form of it: read from the public tables and nothing else, so that it says no more.

    {"format", "kind", "first_day", "last_day", "starts_at", "ends_at", "publication", "markets", "tables"}
    markets  [{"slug", "symbol", "venue", "base", "quote", "figures", "parameters"}]
    tables   {"incidents", "publication", "restatements", "documents"}
    figures  [table]; a table is {"name", "definition", "unit", "source", "columns", "rows"}

How many fills there were is not in it: the public is told volume and fill rate, rounded (publication.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from disclosures.documents.kinds import path_of
from disclosures.documents.selectors import notices_between, published_between
from disclosures.models import RollupDay
from disclosures.reports.periods import Period
from disclosures.transparency.changes import parameter_changes_between, publication_changes
from disclosures.transparency.incidents import incidents
from disclosures.transparency.metrics import METRICS, REGIME_MINUTES, Metric
from disclosures.transparency.publication import Publication, publication_in_force
from disclosures.transparency.restated import restatements
from disclosures.transparency.rollups.calendar import day_of
from disclosures.transparency.series import market_tables
from disclosures.transparency.tables import Cell, PublicTable, closed_until, publication_json
from trading.market_status import iso
from trading.models import Market

FORMAT: Final = 1
_TOLD: Final = (
    "spread", "depth_05", "depth_1", "depth_2", "uptime", "volume", "fill_rate", "pnl", "inventory", "volatility", "regime",
    "states",
)  # fmt: skip
FIGURES: Final[tuple[Metric, ...]] = tuple((METRICS | {"regime": REGIME_MINUTES})[name] for name in _TOLD)
_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)


class PolicyChanged(RuntimeError):
    """The publication policy changed while the report was read: it is to be read again."""


def told_until(policy: Publication, now: datetime) -> datetime | None:
    """Up to here everything that a report says is told; None before anything was summed up."""
    closed = closed_until()
    if closed is None:
        return None
    return min(closed, policy.volume_until(now), policy.quotes_until(now) or now)


def content_of(period: Period, now: datetime) -> dict[str, Any]:
    """As of `now`. The same figures give the same value. Raises `PolicyChanged`."""
    policy = publication_in_force()
    start, end = period.bounds()
    found = _Reader(period, now, policy)
    body = {
        "format": FORMAT,
        "kind": period.kind,
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "starts_at": iso(start),
        "ends_at": iso(end),
        "publication": publication_json(policy),
        "markets": [found.market(market) for market in _markets(start, end)],
        "tables": {
            "incidents": found.told(incidents(now, start, end, most=None)),
            "publication": found.told(_only(publication_changes(), "applied_at", start, end)),
            "restatements": found.told(
                restatements(now, None, Q(at__gte=start, at__lt=end, bucket="day", starts_at__lt=start))
            ),
            "documents": found.told(_documents(start, end, policy)),
        },
    }
    if publication_in_force() != policy:
        raise PolicyChanged
    return body


def _markets(start: datetime, end: datetime) -> list[Market]:
    traded = RollupDay.objects.filter(starts_at__gte=start, starts_at__lt=end).values("market_id")
    wanted = Market.objects.filter(Q(is_active=True) | Q(pk__in=traded))
    return list(wanted.select_related("account__venue").order_by("slug"))


class _Reader:
    """Reads the tables of one period, all under one policy."""

    def __init__(self, period: Period, now: datetime, policy: Publication) -> None:
        self._now, self._policy = now, policy
        self._start, self._end = period.bounds()

    def told(self, table: PublicTable) -> dict[str, Any]:
        if table.policy != self._policy:
            raise PolicyChanged
        return {
            "name": table.about.get("metric", table.name),
            "definition": table.definition,
            "unit": table.about.get("unit", ""),
            "source": table.source,
            "columns": list(table.columns),
            "rows": [list(row) for row in table.rows],
        }

    def market(self, market: Market) -> dict[str, Any]:
        return {
            "slug": market.slug,
            "symbol": market.venue_symbol,
            "venue": market.account.venue.name,
            "base": market.base_id,
            "quote": market.quote_id,
            "figures": [self._figure(market, metric) for metric in FIGURES],
            "parameters": self.told(parameter_changes_between(market.slug, self._start, self._end)),
        }

    def _figure(self, market: Market, metric: Metric) -> dict[str, Any]:
        # P&L is told by the day of its end, and the end is the next day's first moment.
        until = self._end - _MOMENT if metric.follows == "profit" else self._end
        table = market_tables(market, (metric,), self._start, until, self._now, least=_DAY)[metric.name]
        if metric.follows != "profit":
            rows = [(day_of(datetime.fromisoformat(str(row[0]))).isoformat(), *row[2:]) for row in table.rows]
            table = replace(table, columns=("day", *metric.columns), rows=rows)
        return self.told(table)


def _only(table: PublicTable, column: str, start: datetime, end: datetime) -> PublicTable:
    """The rows of a time, oldest first."""
    at = table.columns.index(column)
    rows = [row for row in table.rows if start <= datetime.fromisoformat(str(row[at])) < end]
    return replace(table, rows=rows[::-1])


def _documents(start: datetime, end: datetime, policy: Publication) -> PublicTable:
    columns = ("at", "what", "kind", "version", "sha256", "address")
    rows: list[tuple[Cell, ...]] = [
        (
            iso(one.row.published_at),
            "published",
            one.row.kind,
            one.row.version,
            one.row.sha256,
            one.path,
        )
        for one in published_between(start, end)
    ]
    for notice in notices_between(start, end):
        row = notice.version
        rows.append(
            (
                iso(notice.at),
                str(notice.what),
                row.kind,
                row.version,
                "",
                path_of(row.kind, row.version),
            )
        )
    # Of one moment, a version before what is said about it.
    rows.sort(key=lambda row: str(row[0]))
    return PublicTable("documents", "reports", "What was published of documents.", columns, rows, policy)
