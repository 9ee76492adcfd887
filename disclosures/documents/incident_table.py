"""The reports of incidents as one public table, for page, JSON and CSV."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from disclosures.documents.publishing import address_of
from disclosures.documents.selectors import incident_reports
from disclosures.documents.times import moment
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.tables import PublicTable
from trading.market_status import iso

SOURCE = "Written by people, approved by others before it is published."


def incident_reports_table() -> PublicTable:
    """The newest version of each, newest incident first. Of a withdrawn one nothing of its text is told."""
    rows = []
    for one in incident_reports():
        told, title = one.incident, one.title
        texts = (title["en"], title["dv"]) if one.is_readable else (None, None)
        when = (iso(moment(told["starts_at"])), iso(moment(told["ends_at"])), " ".join(told["markets"]) or "desk")
        rows.append(
            (
                *when, one.row.kind, one.row.version, one.state, *texts, iso(one.row.published_at), one.row.sha256,
                address_of(one.row.kind, one.row.version),
            )
        )  # fmt: skip
    columns = (
        "starts_at", "ends_at", "markets", "report", "version", "state", "title_en", "title_dv", "published_at", "sha256",
        "address",
    )  # fmt: skip
    return PublicTable("incident-reports", "incident-reports", SOURCE, columns, rows, publication_in_force())


def told_reports(slug: str = "") -> list[dict[str, Any]]:
    """As the page shows them, in its language; with `slug` those that touched the market or the whole desk."""
    language = "dv" if get_language() == "dv" else "en"
    return [
        {
            "starts_at": moment(one.incident["starts_at"]),
            "ends_at": moment(one.incident["ends_at"]),
            "where": ", ".join(one.incident["markets"]) or _("all markets"),
            "title": one.title[language] if one.is_readable else _("This report was withdrawn"),
            "path": one.path,
            "version": one.row.version,
            "state": one.state,
        }
        for one in incident_reports(slug)
    ]
