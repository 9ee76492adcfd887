"""What changed and what happened, worded for pages from the same public tables that the API tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.utils.translation import gettext as _

from disclosures.transparency.changes import parameter_changes, publication_changes
from disclosures.transparency.incidents import incidents
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.restated import restatements
from disclosures.transparency.tables import PublicTable
from disclosures.transparency.wording import AUTHORITIES, BUCKETS, INCIDENT_KINDS, STATES, TONES, roles_worded
from trading.controls.commands import DESK

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


def told_incidents(now: datetime, slug: str = "") -> list[dict[str, Any]]:
    """Newest first; with `slug` those of the market and of the whole desk."""
    found = []
    for row in _dicts(incidents(now)):
        if slug and row["scope"] not in (slug, DESK):
            continue
        words = {
            "kind_word": INCIDENT_KINDS.get(row["kind"], row["kind"]),
            "state_word": STATES.get(row["state"], row["state"]),
            "tone": TONES.get(row["state"], ""),
            "scope_word": _("all markets") if row["scope"] == DESK else row["scope"],
            "by_person": row["rule"] == "person",
        }
        found.append(row | words | _times(row, "started_at", "ended_at"))
    return found


def told_parameters(slugs: Sequence[str]) -> list[dict[str, Any]]:
    """Every version of the parameters of these markets with what changed in it, newest first."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    policy = publication_in_force()
    for slug in slugs:
        for row in _dicts(parameter_changes(slug, policy=policy)):
            new = row | _authority(row) | _times(row, "applied_at") | {"market": slug, "changes": []}
            found.setdefault((slug, row["version"]), new)["changes"].append(row)
    return sorted(found.values(), key=lambda version: (version["applied_at"], version["market"]), reverse=True)


def told_policies() -> list[dict[str, Any]]:
    """Every version of the publication policy, newest first."""
    return [worded(row) for row in _dicts(publication_changes())]


def worded(row: dict[str, Any]) -> dict[str, Any]:
    """A version with who decided it, in words, and its time."""
    return row | _authority(row) | _times(row, "applied_at")


def told_restatements(now: datetime) -> list[dict[str, Any]]:
    """Newest first."""
    return [
        row | _times(row, "restated_at", "starts_at") | {"bucket_word": BUCKETS.get(row["bucket"], row["bucket"])}
        for row in _dicts(restatements(now))
    ]


def _dicts(table: PublicTable) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


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
