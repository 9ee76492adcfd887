"""A public table as CSV: the same texts as in JSON, below lines that say what they are. Safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from typing import Final

from disclosures.transparency.tables import Cell, PublicTable

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
# A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def as_csv(table: PublicTable) -> str:
    """Comment lines, the header, the rows; lines end as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    body = table.as_json()
    about = {key: value for key, value in body.items() if key not in ("columns", "rows", "publication")}
    about |= {f"publication_{key}": value for key, value in body["publication"].items()}
    for key, value in about.items():
        writer.writerow([f"# {key}", cell(value)])
    writer.writerow(table.columns)
    writer.writerows([[cell(value) for value in row] for row in table.rows])
    return out.getvalue()


def cell(value: Cell) -> str:
    """A value as one cell: empty where nothing is known; text that a spreadsheet would compute is quoted with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    words = str(value)
    if words.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(words):
        return f"'{words}"
    return words
