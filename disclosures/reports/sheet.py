"""A report laid out for people: headings and tables in one language, from which the page and the PDF are both made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from disclosures.reports.words import MISSING, TITLES, Writer, columns, direction_of, figure, spoken, title
from disclosures.transparency.tables import PublicTable

# Rows of one list that people are shown; the files hold every one.
MOST_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """`direction`: "ltr" of figures, names and times; of people's own words as they go; empty of words of the portal."""

    words: str
    direction: str = "ltr"


@dataclass(frozen=True, slots=True)
class Section:
    """A table under a heading; `definition` is a key of the definitions. Without rows it says that there was nothing; `more` says
    how many rows are left out, which stand in the CSV and JSON, or at `more_at` where it is not empty."""

    heading: str
    definition: str
    head: list[str]
    rows: list[list[Cell]]
    level: int = 2
    is_figures: bool = False
    more: str = ""
    more_at: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`notes` stand above everything."""

    title: str
    notes: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


def sheet_of(body: Mapping[str, Any]) -> Sheet:
    """In the language that is active."""
    first, last = body["first_day"], body["last_day"]
    sections = []
    for market in body["markets"]:
        sections += [_figures(market, first, last), _changes(market)]
    sections += [_listed(body["tables"][name], words) for name, words in TITLES.items() if name in body["tables"]]
    return Sheet(title(body["kind"], first, last), _notes(body), sections)


def _notes(body: Mapping[str, Any]) -> list[str]:
    policy = body["publication"]
    return [
        _("Days are those of the Maldives (UTC+5).")
        + " "
        + _("Figures follow version %(version)s of the publication policy.") % {"version": policy["version"]},
        _("A report is never changed: what becomes known later is restated in a later one and on this one's page."),
    ]


def _figures(market: Mapping[str, Any], first: str, last: str) -> Section:
    """One column for each day, one row for each figure."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days + 1)]
    rows = []
    for table in market["figures"]:
        names = table["columns"]
        # Of several days together, P&L stands under the last of them.
        at = names.index("last_day" if "last_day" in names else "day")
        by_day = {row[at]: row for row in table["rows"]}
        for number, name in enumerate(names):
            if name in ("day", "first_day", "last_day"):
                continue
            called, write = figure(table["name"], name, {"base": market["base"], "quote": market["quote"]})
            values = [Cell(write(by_day[day][number]) if day in by_day else MISSING) for day in days]
            rows.append([Cell(called, ""), *values])
    if all(cell.words == MISSING for row in rows for cell in row[1:]):
        rows = []
    heading = f"{market['symbol']} · {market['venue']}"
    return Section(heading, "average", [_("Figure"), *days], rows, is_figures=True)


def _changes(market: Mapping[str, Any]) -> Section:
    called = _("%(market)s: parameter changes") % {"market": market["slug"]}
    return _listed(market["parameters"], called, level=3, translated=True)


def _listed(table: Mapping[str, Any], heading: str, level: int = 2, translated: bool = False) -> Section:
    shown = [(table["columns"].index(name), name, words, write) for name, words, write in columns(table["name"])]
    rows = [[_cell(write(row[at]), write) for at, _name, _words, write in shown] for row in table["rows"][:MOST_ROWS]]
    called, left = heading if translated else _(heading), len(table["rows"]) - len(rows)
    more = _("… and %(count)s more, all of them in the CSV and the JSON.") % {"count": left} if left else ""
    return Section(called, table["definition"], [words for _at, _name, words, _write in shown], rows, level, more=more)


def _cell(words: str, write: Writer) -> Cell:
    return Cell(words, direction_of(words) if write is spoken else "ltr")


def section_of(table: PublicTable, address: str) -> Section:
    """A live table, laid out as those of a report; what is left out of it stands at `address`."""
    body = {"name": table.name, "definition": table.definition, "columns": table.columns, "rows": table.rows}
    section = _listed(body, TITLES[table.name])
    if not section.more:
        return section
    more = _("… and %(count)s more.") % {"count": len(table.rows) - len(section.rows)}
    return replace(section, more=more, more_at=address)
