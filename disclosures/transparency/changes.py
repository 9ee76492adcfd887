"""What people changed, as the public sees it: parameters and publication policy, with reasons and roles, without names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, F, Q

from disclosures.models import PublicationPolicy
from disclosures.transparency.publication import Publication, publication_in_force, publication_of
from disclosures.transparency.tables import PublicTable, publication_json
from governance.models import Proposal
from governance.review.errors import ReviewRefused
from governance.review.registry import kind_named
from trading.market_status import iso
from trading.parameter_versions import parameter_versions
from trading.parameters.schema import BY_NAME

MOST_VERSIONS: Final = 100


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


def parameter_changes(slug: str, most: int = MOST_VERSIONS, policy: Publication | None = None) -> PublicTable:
    """One row for each value that changed, newest version first; at most `most` versions. `policy`: the one in force, where the
    caller has read it."""
    versions = parameter_versions(slug, most + 1)
    known = authorities(version["authorised_by"] for version in versions)
    rows = []
    for version, before in list(zip(versions, [*versions[1:], None], strict=True))[:most]:
        authority = known[version["authorised_by"]]
        for name in version["changed"]:
            rows.append(
                (
                    version["version"], version["applied_at"], name, BY_NAME[name].unit,
                    before["values"][name] if before else None, version["values"][name], version["reason"],
                    authority.by, authority.proposal, authority.risk_class, authority.proposed_by, authority.approved_by,
                    authority.approvals,
                )
            )  # fmt: skip
    columns = (
        "version", "applied_at", "parameter", "unit", "before", "after", "reason", "authorised_by", "proposal", "risk_class",
        "proposed_by_role", "approved_by_role", "approvals",
    )  # fmt: skip
    source = "The versions of the market's parameters."
    told_under = policy or publication_in_force()
    return PublicTable("parameters", "parameters", source, columns, rows, told_under, about={"market": slug})


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
