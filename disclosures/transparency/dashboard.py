"""What a market's page and the page of one chart show: figures, tables and addresses, ready to render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from dcmm_portal.maldives import MALDIVES
from disclosures.transparency.charts import BUCKET_WORDS, COLUMN_WORDS, GROUPS, RANGE_WORDS, Chart
from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.series import DEFAULT_RANGE, RANGES, asked_range, market_tables
from disclosures.transparency.tables import Cell, PublicTable
from trading.models import Market

# Rows of a chart's table on the page of all charts; the chart's own page shows every one.
NEWEST: Final = 12
SOURCES: Final = {each.key: each.source for each in DEFINITIONS}
# No figure holds it: the cells of a row are escaped together.
_BETWEEN: Final = "\x1f"
_NEXT_CELL: Final = '</td><td class="num" dir="ltr">'


@dataclass(frozen=True, slots=True)
class Asked:
    """A range as it was asked for, and what it means now; `name` is empty when two times were given."""

    name: str
    query: str
    since: datetime | None
    until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a chart's table: `at` for people (Indian/Maldives), `iso` for programs, the cells as CSV and JSON tell them."""

    at: str
    iso: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart with its table, newest row first."""

    chart: Chart
    table: PublicTable
    rows: Sequence[Row]
    unit: str
    source: Any
    bucket: Any
    page: str
    json: str
    csv: str

    @property
    def keys(self) -> list[tuple[str, Any, bool]]:
        """Colour, word and dashes of each line."""
        return [(colour, COLUMN_WORDS[column], dashed) for column, colour, dashed in self.chart.lines]

    @property
    def columns(self) -> list[Any]:
        """The words above the cells."""
        return [COLUMN_WORDS[column] for column in self.table.columns[2:]]

    @property
    def body(self) -> SafeString:
        """The rows as HTML: a template, or escaping each cell apart, takes many times as long for a thousand of them."""
        return SafeString("".join(_row_html(each) for each in self.rows))

    @property
    def is_known(self) -> bool:
        """Whether any figure of the table is known."""
        return any(cell is not None for row in self.rows for cell in row.cells)


def _row_html(row: Row) -> str:
    cells = escape(_BETWEEN.join("—" if cell is None else str(cell) for cell in row.cells))
    return (
        f'<tr><th scope="row"><time class="num" dir="ltr" datetime="{escape(row.iso)}">{escape(row.at)}</time></th>'
        f'<td class="num" dir="ltr">{cells.replace(_BETWEEN, _NEXT_CELL)}</td></tr>'
    )


def asked_of(query: Any, now: datetime, default: str = DEFAULT_RANGE) -> Asked:
    """The range that an address asks for, `default` where it asks for none. Raises `BadRange`."""
    name, since, until = (query.get(part, "") for part in ("range", "from", "to"))
    name = name if name or since or until else default
    start, end = asked_range(name, since, until, now)
    if since or until:
        told = {"from": since, "to": until} if until else {"from": since}
        return Asked("", urlencode(told), start, end, now)
    return Asked(name, urlencode({"range": name}), start, end, now)


def range_tabs(asked: Asked | None) -> list[tuple[str, Any, bool]]:
    """Every range as a link: address, word, whether it is the one that is shown."""
    return [(f"?range={name}", RANGE_WORDS[name], asked is not None and asked.name == name) for name in RANGES]


def shown_charts(market: Market, asked: Asked) -> list[tuple[Any, list[Shown]]]:
    """Every chart in its groups, each with the newest rows of its table."""
    metrics = list({chart.metric: chart.figure for _title, charts in GROUPS for chart in charts}.values())
    tables = market_tables(market, metrics, asked.since, asked.until, asked.now, NEWEST)
    return [
        (title, [_shown(market, chart, tables[chart.metric], asked) for chart in charts]) for title, charts in GROUPS
    ]


def shown_chart(market: Market, chart: Chart, asked: Asked) -> Shown:
    """One chart with its whole table."""
    table = market_tables(market, (chart.figure,), asked.since, asked.until, asked.now)[chart.metric]
    return _shown(market, chart, table, asked)


def _shown(market: Market, chart: Chart, table: PublicTable, asked: Asked) -> Shown:
    query = f"metric={chart.metric}&{asked.query}"
    return Shown(
        chart=chart,
        table=table,
        rows=[row_of(row) for row in reversed(table.rows)],
        unit={"quote": market.quote_id.upper(), "base": market.base_id.upper(), "share": "%", "bps": "bps"}.get(
            chart.unit, ""
        ),
        source=SOURCES[table.definition],
        bucket=BUCKET_WORDS.get(str(table.about.get("bucket")), ""),
        page=f"{reverse('market-chart', args=(market.slug, chart.key))}?{asked.query}",
        json=f"{reverse('api-public-series', args=(market.slug,))}?{query}",
        csv=f"{reverse('api-public-series-csv', args=(market.slug,))}?{query}",
    )


def row_of(row: Sequence[Cell]) -> Row:
    """A row of a table whose first two columns are when it begins and ends."""
    return Row(_local(str(row[0])), str(row[0]), row[2:])


def _local(words: str) -> str:
    """A moment to the minute in Maldivian time; a day as it is."""
    if "T" not in words:
        return words
    return datetime.fromisoformat(words).astimezone(MALDIVES).replace(tzinfo=None).isoformat(" ", "minutes")
