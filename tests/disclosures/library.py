"""Writing, submitting, approving documents in tests: cora writes and proposes, dina approves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from disclosures.documents import drafting
from disclosures.documents.selectors import published
from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.models import Proposal
from tests.review.desk import Desk, key

RISK = "market-making-risk"
EVERY_KIND = (
    "market-making-risk", "treasury-usage", "buyback-limitation", "conflicts-of-interest", "liquidity-incentives", "general-risk",
    "operator-identity",
)  # fmt: skip
TEXT = {"en": "## What it does\n\nIt quotes both sides.", "dv": "## މިއީ ކޮންކަމެއް\n\nދެފަރާތުގެ އަގު ދެއެވެ."}


class Library:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def now(self) -> Any:
        return self.desk.now

    def content(self, kind: str = RISK, **changes: Any) -> dict[str, Any]:
        due = (self.now + timedelta(days=180)).date().isoformat()
        content = {
            "format": 1, "kind": kind, "title": {"en": "Risk", "dv": "ރިސްކް"}, "text": dict(TEXT),
            "in_step": {"en": "", "dv": ""}, "counsel": "", "native_reviewer": "", "requires_acknowledgement": False,
            "is_material": False, "effective_from": None, "effective_until": None, "review_due_on": due,
        }  # fmt: skip
        return content | changes

    def draft(self, kind: str = RISK, by: str = "cora", **changes: Any) -> DisclosureDraft:
        person = self.desk.people[by]
        return drafting.make_draft(person, self.content(kind, **changes), key=key(), now=self.now)

    def submitted(self, draft: DisclosureDraft, by: str = "cora") -> Proposal:
        return drafting.ask_to_publish(self.desk.people[by], draft.pk, "a first text", key=key(), now=self.now)

    def published(self, kind: str = RISK, **changes: Any) -> DisclosureVersion:
        done = self.desk.vote(self.submitted(self.draft(kind, **changes)), "dina")
        assert (done.state, done.failure) == ("APPLIED", "")
        return DisclosureVersion.objects.filter(kind=kind).order_by("-version")[0]

    def noticed(self, action: str, version: DisclosureVersion, **text: str) -> Proposal:
        said = {"en": "It named a wrong limit.", "dv": "ނުބައި އަދަދެއް އޮތެވެ."} | text
        made = drafting.ask_for_notice(
            self.desk.people["cora"],
            action,
            version.kind,
            version.version,
            said,
            "wrong limit",
            key=key(),
            now=self.now,
        )
        return self.desk.vote(made, "dina")

    def state(self, version: DisclosureVersion) -> str:
        return published(version.kind, version.version, self.now).state
