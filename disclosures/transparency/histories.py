"""What changed and what happened, worded for pages from the same public tables that the API tells: only what a page shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.utils.translation import gettext as _

from disclosures.transparency.changes import PARAMETER_COLUMNS, changes_of, publication_changes
from disclosures.transparency.incidents import INCIDENT_COLUMNS
from disclosures.transparency.restated import RESTATEMENT_COLUMNS
from disclosures.transparency.wording import AUTHORITIES, BUCKETS, INCIDENT_KINDS, STATES, TONES, roles_worded
from trading.controls.commands import DESK
from trading.parameter_versions import VersionHead

PAGE_ROWS: Final = 50


class BadPage(ValueError):
    """The page asked for is no number, or there is none of that number."""


def page_of(rows: Sequence[Any], asked: str) -> Page[Any]:
    """The page of `rows` that an address asks for; the first when it asks for none. Raises `BadPage`."""
    pages = Paginator(rows, PAGE_ROWS)
    try:
        return pages.page(asked[:9] or 1)
    except (PageNotAnInteger, EmptyPage) as problem:
        raise BadPage(_("There are the pages 1 to %(last)s.") % {"last": pages.num_pages}) from problem


def told_incidents(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """These rows of the incidents' table, worded."""
    found = []
    for row in _dicts(INCIDENT_COLUMNS, rows):
        words = {
            "kind_word": INCIDENT_KINDS.get(row["kind"], row["kind"]),
            "state_word": STATES.get(row["state"], row["state"]),
            "tone": TONES.get(row["state"], ""),
            "scope_word": _("all markets") if row["scope"] == DESK else row["scope"],
            "by_person": row["rule"] == "person",
        }
        found.append(row | words | _times(row, "started_at", "ended_at"))
    return found


def told_parameters(heads: Iterable[VersionHead]) -> list[dict[str, Any]]:
    """These versions of markets' parameters with what changed in each."""
    found = []
    for head, changed in changes_of(heads):
        rows = _dicts(PARAMETER_COLUMNS, changed)
        if not rows:
            continue
        first = rows[0]
        more = {"market": head.market, "changes": rows}
        found.append(first | _authority(first) | _times(first, "applied_at") | more)
    return found


def told_policies() -> list[dict[str, Any]]:
    """Every version of the publication policy, newest first."""
    table = publication_changes()
    return [worded(row) for row in _dicts(table.columns, table.rows)]


def worded(row: dict[str, Any]) -> dict[str, Any]:
    """A version with who decided it, in words, and its time."""
    return row | _authority(row) | _times(row, "applied_at")


def told_restatements(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """These rows of the restatements' table, worded."""
    return [
        row | _times(row, "restated_at", "starts_at") | {"bucket_word": BUCKETS.get(row["bucket"], row["bucket"])}
        for row in _dicts(RESTATEMENT_COLUMNS, rows)
    ]


def _dicts(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _times(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The times beside their texts, for `local_time`."""
    return {f"{name}_time": datetime.fromisoformat(row[name]) if row[name] else None for name in names}


def _authority(row: dict[str, Any]) -> dict[str, Any]:
    """By which roles it was decided, in words; nobody is named."""
    if row["authorised_by"] != "proposal":
        return {"by_word": AUTHORITIES.get(row["authorised_by"], row["authorised_by"])}
    roles = {"proposer": roles_worded(row["proposed_by_role"]), "approver": roles_worded(row["approved_by_role"])}
    if not row["approvals"]:
        return {"by_word": _("proposed by %(proposer)s; no approval was needed") % roles}
    words = _("proposed by %(proposer)s, approved by %(count)s × %(approver)s")
    return {"by_word": words % (roles | {"count": row["approvals"]})}
