"""What people changed, as the public sees it: parameters and publication policy, with reasons and roles, without names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q

from disclosures.models import PublicationPolicy
from disclosures.transparency.publication import Publication, publication_in_force, publication_of
from disclosures.transparency.tables import Cell, PublicTable, publication_json
from governance.models import Proposal
from governance.review.errors import ReviewRefused
from governance.review.registry import kind_named
from trading.market_status import iso
from trading.parameter_versions import VersionHead, version_heads, versions_of
from trading.parameters.schema import BY_NAME

MOST_VERSIONS: Final = 100
PARAMETER_COLUMNS: Final = (
    "version", "applied_at", "parameter", "unit", "before", "after", "reason", "authorised_by", "proposal", "risk_class",
    "proposed_by_role", "approved_by_role", "approvals",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Authority:
    """By which roles a change was proposed and approved; `by` is "genesis", "migration" or "proposal"."""

    by: str
    proposal: int | None = None
    proposed_by: str = ""
    approved_by: str = ""
    approvals: int = 0
    risk_class: str = ""


def authorities(words: Iterable[str]) -> dict[str, Authority]:
    """By `authorised_by`. What names no proposal that exists is told as it is named, without approvals."""
    wanted = set(words)
    ids = {int(word.removeprefix("proposal:")) for word in wanted if _names_proposal(word)}
    counted = Q(votes__choice="approve", votes__revision=F("revision"), votes__content_hash=F("content_hash"))
    proposals = Proposal.objects.filter(pk__in=ids).annotate(approvals=Count("votes", filter=counted)).in_bulk()
    found = {}
    for word in wanted:
        proposal = proposals.get(int(word.removeprefix("proposal:"))) if _names_proposal(word) else None
        found[word] = Authority(word.partition(":")[0][:16]) if proposal is None else _authority(proposal)
    return found


def _names_proposal(word: str) -> bool:
    number = word.removeprefix("proposal:")
    return number != word and number.isascii() and number.isdigit() and len(number) <= 18


def _authority(proposal: Any) -> Authority:
    try:
        roles = kind_named(proposal.kind).proposer_roles
    except ReviewRefused:
        roles = ()
    asked = proposal.required.get("roles") if isinstance(proposal.required, dict) else None
    return Authority(
        "proposal",
        proposal.pk,
        " or ".join(role.value for role in roles),
        " or ".join(asked) if asked and proposal.approvals else "",
        proposal.approvals,
        proposal.risk_class,
    )


def parameter_changes(slug: str) -> PublicTable:
    """One row for each value that changed, newest version first; at most `MOST_VERSIONS` versions."""
    return _table(slug, version_heads((slug,), MOST_VERSIONS), publication_in_force())


def parameter_changes_between(slug: str, since: datetime, before: datetime) -> PublicTable:
    """As `parameter_changes`, every version that was applied then, oldest first."""
    heads = [head for head in version_heads((slug,)) if since <= head.applied_at < before]
    found = _table(slug, heads, publication_in_force())
    return replace(found, rows=found.rows[::-1])


def _table(slug: str, heads: Iterable[VersionHead], policy: Publication) -> PublicTable:
    newest_first = sorted(heads, key=lambda head: (head.version, head.row_id), reverse=True)
    rows = [row for _head, rows in changes_of(newest_first) for row in rows]
    source = "The versions of the market's parameters."
    return PublicTable("parameters", "parameters", source, PARAMETER_COLUMNS, rows, policy, about={"market": slug})


def changes_of(heads: Iterable[VersionHead]) -> list[tuple[VersionHead, list[tuple[Cell, ...]]]]:
    """Each version with a row for each value that changed in it, whichever the markets, with as many queries as for one."""
    found = versions_of(heads)
    known = authorities(version["authorised_by"] for _head, version, _before in found)
    return [(head, list(_changed(version, before, known[version["authorised_by"]]))) for head, version, before in found]


def _changed(version: dict[str, Any], before: dict[str, Any] | None, by: Authority) -> Iterator[tuple[Cell, ...]]:
    for name in version["changed"]:
        yield (
            version["version"], version["applied_at"], name, BY_NAME[name].unit, before["values"][name] if before else None,
            version["values"][name], version["reason"], by.by, by.proposal, by.risk_class, by.proposed_by, by.approved_by,
            by.approvals,
        )  # fmt: skip


def publication_changes() -> PublicTable:
    """Every version of the publication policy, newest first."""
    versions = list(PublicationPolicy.objects.order_by("-version")[:MOST_VERSIONS])
    known = authorities(row.authorised_by for row in versions)
    rows = []
    for row in versions:
        authority = known[row.authorised_by]
        values = publication_json(publication_of(row))
        rows.append(
            (
                *values.values(), iso(row.applied_at), row.reason, authority.by, authority.proposal, authority.risk_class,
                authority.proposed_by, authority.approved_by, authority.approvals,
            )
        )  # fmt: skip
    columns = (
        "version", "delay_s", "inventory_step_share", "pnl_granularity_days", "quote_granularity_s", "applied_at", "reason",
        "authorised_by", "proposal", "risk_class", "proposed_by_role", "approved_by_role", "approvals",
    )  # fmt: skip
    source = "The versions of the publication policy."
    return PublicTable("publication", "publication", source, columns, rows, publication_in_force())
