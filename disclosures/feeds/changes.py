"""The feed of changes, newest first, from the public tables: parameters, publication policy, rules by jurisdiction, incidents and
what people reported of them, restatements, reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from disclosures.documents.selectors import incident_reports
from disclosures.jurisdictions.history import jurisdiction_changes
from disclosures.reports.formats import path_of
from disclosures.reports.selectors import newest_reports
from disclosures.transparency.changes import PARAMETER_COLUMNS, changes_of, publication_changes
from disclosures.transparency.incidents import incidents
from disclosures.transparency.restated import restatements
from disclosures.transparency.tables import PublicTable
from trading.parameter_versions import version_heads
from trading.selectors import known_slugs

MOST_ENTRIES: Final = 100
VERSIONS_TOLD: Final = 20
REPORTS_TOLD: Final = 20
# What XML 1.0 cannot hold, in any spelling.
_UNSPEAKABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change; `key` never changes, so that a reader shows it once. `anchor` is a key of the definitions, to which the
    entry leads where it has no `path` of its own."""

    key: str
    at: datetime
    title: str
    text: str
    anchor: str
    path: str = ""


def entries(now: datetime) -> list[Entry]:
    """The newest `MOST_ENTRIES`, with as many queries whatever the markets and their versions."""
    found = [
        *_publication(), *_jurisdictions(), *_incidents(now), *_restatements(now), *_reports(), *_incident_reports(),
        *_parameters(),
    ]  # fmt: skip
    return sorted(found, key=lambda entry: (entry.at, entry.key), reverse=True)[:MOST_ENTRIES]


def atom(now: datetime, root: str) -> bytes:
    """The feed as Atom; `root` is the portal's address, ending in a slash."""
    found = entries(now)
    feed = Atom1Feed(
        title=_("DCMM portal: changes"), link=root, description="", feed_url=f"{root}feed.xml", language="en",
        updateddate=found[0].at if found else _EPOCH,
    )  # fmt: skip
    for entry in found:
        feed.add_item(
            title=_clean(entry.title),
            link=f"{root}{entry.path.lstrip('/') or f'definitions/#{entry.anchor}'}",
            description=_clean(entry.text),
            unique_id=f"urn:dcmm:{_clean(entry.key)}",
            updateddate=entry.at,
        )
    # Without an item the library tells the time of writing, and two readings would differ.
    feed.latest_post_date = lambda: found[0].at if found else _EPOCH
    return feed.writeString("utf-8").encode()


def _clean(words: str) -> str:
    return _UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", words)


def _dicts(table: PublicTable) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _parameters() -> list[Entry]:
    found = []
    heads = version_heads(known_slugs(), VERSIONS_TOLD)[:MOST_ENTRIES]
    for head, changed in changes_of(heads):
        rows = [dict(zip(PARAMETER_COLUMNS, row, strict=True)) for row in changed]
        if not rows:
            continue
        first, slug, version = rows[0], head.market, head.version
        changes = "; ".join(
            f"{row['parameter']}: {'-' if row['before'] is None else row['before']} → {row['after']} {row['unit']}"
            for row in rows
        )
        by = f"{first['approvals']} × {first['approved_by_role']}" if first["approvals"] else first["authorised_by"]
        title = _("%(market)s: parameters, version %(version)s") % {"market": slug, "version": version}
        text = f"{first['reason']} ({by}) {changes}"
        at = datetime.fromisoformat(str(first["applied_at"]))
        found.append(Entry(f"parameters:{slug}:{version}", at, title, text, "parameters"))
    return found


def _publication() -> list[Entry]:
    found = []
    for row in _dicts(publication_changes()):
        title = _("Publication policy, version %(version)s") % {"version": row["version"]}
        names = ("delay_s", "inventory_step_share", "pnl_granularity_days", "quote_granularity_s")
        text = f"{row['reason']} {'; '.join(f'{name}: {row[name]}' for name in names)}"
        at = datetime.fromisoformat(row["applied_at"])
        found.append(Entry(f"publication:{row['version']}", at, title, text, "publication"))
    return found


def _jurisdictions() -> list[Entry]:
    found = []
    for row in _dicts(jurisdiction_changes())[:MOST_ENTRIES]:
        names = {"country": row["jurisdiction"], "version": row["version"]}
        title = _("Rule of jurisdiction %(country)s, version %(version)s") % names
        text = f"{row['reason']} mode: {row['mode']}; scope: {row['scope']}; {row['notice_en']}"
        at = datetime.fromisoformat(row["applied_at"])
        key = f"jurisdiction:{row['jurisdiction']}:{row['version']}"
        found.append(Entry(key, at, title, text, "jurisdictions", "jurisdictions/"))
    return found


def _incidents(now: datetime) -> list[Entry]:
    found = []
    for row in _dicts(incidents(now, most=MOST_ENTRIES)):
        title = f"{row['scope']}: {row['state']} ({row['kind']})"
        key = f"incident:{row['scope']}:{row['rule']}:{row['started_at']}"
        at = datetime.fromisoformat(row["started_at"])
        found.append(Entry(key, at, title, row["reason"] or row["rule"], "incidents"))
    return found


def _incident_reports() -> list[Entry]:
    """The newest version of each; of a withdrawn one only that it was."""
    found = []
    for one in incident_reports(most=REPORTS_TOLD):
        title = one.title["en"] if one.is_readable else _("This report was withdrawn")
        at = one.withdrawal.at if one.withdrawal else one.row.published_at
        key = f"incident-report:{one.row.kind}:{one.row.version}{':withdrawn' if one.withdrawal else ''}"
        found.append(Entry(key, at, title, f"SHA-256 {one.row.sha256}", "incident-reports", one.path))
    return found


def _reports() -> list[Entry]:
    found = []
    for report in newest_reports(REPORTS_TOLD):
        words = _("Daily report, %(day)s") if report.kind == "daily" else _("Weekly report, from %(day)s")
        day = report.period_start.isoformat()
        key = f"report:{report.kind}:{day}"
        found.append(
            Entry(key, report.made_at, words % {"day": day}, f"SHA-256 {report.sha256}", "reports", path_of(report))
        )
    return found


def _restatements(now: datetime) -> list[Entry]:
    """One entry for all that was restated of a market at one time."""
    together: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _dicts(restatements(now, MOST_ENTRIES)):
        together.setdefault((row["market"], row["restated_at"]), []).append(row)
    found = []
    for (market, at), rows in together.items():
        title = _("%(market)s: %(count)s figures restated") % {"market": market, "count": len(rows)}
        text = "; ".join(
            f"{row['bucket']} {row['starts_at']} {row['figure']}: {row['before']} → {row['after']} ({row['causes']})"
            for row in rows[:20]
        )
        found.append(Entry(f"restated:{market}:{at}", datetime.fromisoformat(at), title, text, "restatements"))
    return found
