"""A report as files. Each is made from the stored text alone, so that the same report is always the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.api.csv_form import as_csv
from disclosures.models import PublicReport
from disclosures.printing.press import PUBLISHER, printed
from disclosures.reports.selectors import body_of
from disclosures.reports.sheet import sheet_of
from disclosures.transparency.publication import Publication
from disclosures.transparency.tables import Cell, PublicTable

COLUMNS: Final = ("market", "table", "row", "column", "unit", "value")
TEMPLATE: Final = "public_report.typ"
# More columns than this do not stand beside each other on a page of paper held upright.
UPRIGHT: Final = 4


def address_of(report: PublicReport) -> str:
    """The permanent address."""
    return settings.PUBLIC_URL + path_of(report)


def path_of(report: PublicReport) -> str:
    return reverse("report", args=[report.kind, report.period_start.isoformat()])


def csv_of(report: PublicReport) -> bytes:
    """Every value as a line: market (empty for what is of all), table, number of the row, column, unit, value."""
    body = body_of(report)
    rows: list[tuple[Cell, ...]] = []
    for market in body["markets"]:
        for table in (*market["figures"], market["parameters"]):
            rows += _lines(market["slug"], table)
    for table in body["tables"].values():
        rows += _lines("", table)
    about: dict[str, Cell] = {
        "kind": report.kind,
        "first_day": body["first_day"],
        "last_day": body["last_day"],
        "starts_at": body["starts_at"],
        "ends_at": body["ends_at"],
        "sha256": report.sha256,
        "address": address_of(report),
    }
    source = "What was published; each value has its source in the JSON."
    told = PublicTable("report", "reports", source, COLUMNS, rows, _policy(body), report.made_at, about)
    return as_csv(told).encode()


def _lines(market: str, table: dict[str, Any]) -> list[tuple[Cell, ...]]:
    return [
        (market, table["name"], number, column, table["unit"], value)
        for number, row in enumerate(table["rows"], 1)
        for column, value in zip(table["columns"], row, strict=True)
    ]


def _policy(body: dict[str, Any]) -> Publication:
    told = body["publication"]
    return Publication(
        told["version"], told["delay_s"], Decimal(told["inventory_step_share"]), told["pnl_granularity_days"],
        told["quote_granularity_s"],
    )  # fmt: skip


def pdf_of(report: PublicReport, language: str) -> bytes:
    """In "en" or "dv"; kept in the process, since it cannot change."""
    return _pdf(report.content, report.sha256, address_of(report), report.made_at, language)


def pages_of(report: PublicReport, language: str) -> list[bytes]:
    """Every page as a picture (PNG), to be looked at."""
    data = _data(report.content, report.sha256, address_of(report), report.made_at, language)
    return printed(TEMPLATE, data, report.made_at, "png")


@lru_cache(maxsize=64)
def _pdf(content: str, sha256: str, address: str, made_at: datetime, language: str) -> bytes:
    return printed(TEMPLATE, _data(content, sha256, address, made_at, language), made_at)[0]


def _data(content: str, sha256: str, address: str, made_at: datetime, language: str) -> dict[str, Any]:
    with override(language):
        sheet = sheet_of(json.loads(content))
        return {
            "language": language,
            "title": sheet.title,
            "publisher": PUBLISHER,
            "day": [made_at.year, made_at.month, made_at.day],
            "address": address,
            "facts": [[_("Made (UTC)"), f"{made_at:%Y-%m-%d %H:%M}"], ["SHA-256", sha256]],
            "notes": sheet.notes,
            "nothing": nothing(),
            "is_wide": any(section.is_figures and len(section.head) > UPRIGHT for section in sheet.sections),
            "sections": [asdict(section) for section in sheet.sections],
        }


def nothing() -> str:
    """In place of a table without rows."""
    return _("Nothing in this period.")
