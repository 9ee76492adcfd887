"""What an approved proposal about a document does: the version's row with its files, or a notice; its event; trading's gate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from disclosures.documents.checklist import set_gate
from disclosures.documents.content import published_form
from disclosures.documents.facts import LANGUAGES
from disclosures.documents.kinds import AGGREGATE, path_of
from disclosures.documents.pdf import Printed, pdf_of
from disclosures.models import DisclosureNotice, DisclosureVersion
from governance.database_time import database_time
from governance.review.kinds.kind import Applying
from governance.review.transitions import SYSTEM
from trading.events.services import record


def publish(applying: Applying) -> DisclosureVersion:
    """In the caller's transaction. What the database decides itself (times, names) is its own."""
    change: dict[str, Any] = applying.proposal.change
    content, kind = change["content"], str(change["content"]["kind"])
    body, sha256 = published_form(content)
    version = int(applying.proposal.base[applying.proposal.subject]["version"]) + 1
    printed = Printed(version, sha256, address_of(kind, version), database_time())
    files = {f"pdf_{language}": pdf_of(content, language, printed) for language in LANGUAGES}
    row = DisclosureVersion(
        kind=kind,
        version=version,
        content=body,
        sha256=sha256,
        published_at=printed.published_at,
        review_due_on=content["review_due_on"],
        authorised_by=applying.authorised_by,
        author_name=applying.proposal.proposer_name,
        approver_name="",
        **files,
    )
    row.save(force_insert=True)
    set_gate(applying.now)
    told = {"kind": kind, "version": version, "sha256": sha256, "authorised_by": applying.authorised_by}
    _tell(kind, "disclosure.published", told, applying.now)
    return row


def write_notice(applying: Applying) -> DisclosureNotice:
    """A withdrawal or a correction, in the caller's transaction."""
    change: dict[str, Any] = applying.proposal.change
    version = DisclosureVersion.objects.only("id", "kind", "version").get(
        kind=change["kind"], version=change["version"]
    )
    is_withdrawal = change["action"] == "withdraw"
    notice = DisclosureNotice.objects.create(
        version=version,
        what=DisclosureNotice.What.WITHDRAWAL if is_withdrawal else DisclosureNotice.What.CORRECTION,
        text_en=change["text"]["en"],
        text_dv=change["text"]["dv"],
        authorised_by=applying.authorised_by,
        at=applying.now,
    )
    set_gate(applying.now)
    told = {"kind": version.kind, "version": version.version, "text": change["text"]}
    word = "disclosure.withdrawn" if is_withdrawal else "disclosure.corrected"
    _tell(version.kind, word, {**told, "authorised_by": applying.authorised_by}, applying.now)
    return notice


def address_of(kind: str, version: int) -> str:
    """The permanent address of a version."""
    return settings.PUBLIC_URL + path_of(kind, version)


def _tell(kind: str, event: str, payload: dict[str, Any], now: datetime) -> None:
    name = f"{AGGREGATE}:{kind}"
    record(name, event, payload, actor_id=SYSTEM.id, actor_name=SYSTEM.name, occurred_at=now)
