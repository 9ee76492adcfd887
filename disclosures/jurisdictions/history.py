"""Every version of every rule as the public sees it, with reasons and roles, without names."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from disclosures.jurisdictions.wording import MODES, SCOPES, country_name
from disclosures.models import JurisdictionRule
from disclosures.transparency.changes import authorities
from disclosures.transparency.histories import worded
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.tables import PublicTable
from trading.market_status import iso

MOST_VERSIONS: Final = 500
COLUMNS: Final = (
    "jurisdiction", "version", "in_force", "mode", "scope", "notice_en", "notice_dv", "applied_at", "reason", "authorised_by",
    "proposal", "risk_class", "proposed_by_role", "approved_by_role", "approvals",
)  # fmt: skip


def jurisdiction_changes() -> PublicTable:
    """Newest first; what is in force, of every country, before everything else."""
    in_force = list(JurisdictionRule.objects.order_by("country", "-version").distinct("country"))
    standing = {row.pk for row in in_force}
    earlier = JurisdictionRule.objects.exclude(pk__in=standing).order_by("-applied_at", "-pk")[:MOST_VERSIONS]
    versions = [*in_force, *earlier]
    known = authorities(row.authorised_by for row in versions)
    rows = []
    for row in versions:
        authority = known[row.authorised_by]
        rows.append(
            (
                row.country, row.version, row.pk in standing, row.mode, row.scope, row.notice_en, row.notice_dv,
                iso(row.applied_at), row.reason, authority.by, authority.proposal, authority.risk_class, authority.proposed_by,
                authority.approved_by, authority.approvals,
            )
        )  # fmt: skip
    source = "The versions of the rules by jurisdiction."
    return PublicTable("jurisdictions", "jurisdictions", source, COLUMNS, rows, publication_in_force())


def told_rules() -> list[dict[str, Any]]:
    """The same, worded for pages."""
    language = "notice_dv" if get_language() == "dv" else "notice_en"
    table = jurisdiction_changes()
    found = []
    for values in table.rows:
        row: dict[str, Any] = dict(zip(table.columns, values, strict=True))
        mode, scope = MODES[row["mode"]], SCOPES[row["scope"]]
        words = {
            "name": country_name(row["jurisdiction"]),
            "mode_word": _(mode),
            "scope_word": _(scope),
            "notice": row[language],
        }
        if row["authorised_by"] == "genesis":
            words["by_word"] = _("set when the portal was set up")
        found.append(worded(row) | words)
    return found
