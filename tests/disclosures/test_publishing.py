"""The way of a document: draft, legal review, approval by another, publication at its time, and what comes after."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from disclosures.documents import drafting
from disclosures.documents.checklist import check
from disclosures.documents.content import lagging
from disclosures.documents.selectors import stage_of
from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.models import Proposal
from tests.disclosures.library import EVERY_KIND, RISK, TEXT, Library
from tests.review.desk import RISKIER, failure, key, refused, state
from trading.controls.gates import closed_among
from trading.models import Event

EMPTY = {"en": "", "dv": ""}


def test_a_draft_is_approved_by_another_and_published(library: Library) -> None:
    draft = library.draft()
    assert stage_of(draft) == "draft"
    proposal = library.submitted(draft)
    assert (proposal.required["quorum"], proposal.required["roles"], proposal.required["timelock_s"]) == (
        1,
        ["compliance"],
        0,
    )
    assert stage_of(DisclosureDraft.objects.get()) == "legal_review"
    for name, code in (("cora", "own_proposal"), ("anna", "no_role"), ("opal", "no_role"), ("audrey", "no_role")):
        refused(code, library.desk.vote, proposal, name)
    assert not DisclosureVersion.objects.exists()
    assert library.desk.vote(proposal, "dina").state == "APPLIED"
    row = DisclosureVersion.objects.get()
    assert (row.kind, row.version, row.author_name, row.approver_name) == (RISK, 1, "cora", "dina")
    assert (row.published_at, row.authorised_by) == (library.now, f"proposal:{proposal.pk}")
    assert row.sha256 == hashlib.sha256(row.content.encode()).hexdigest() == proposal.change["sha256"]
    assert json.loads(row.content)["text"] == TEXT
    assert (bytes(row.pdf_en[:5]), bytes(row.pdf_dv[:5])) == (b"%PDF-", b"%PDF-")
    assert stage_of(DisclosureDraft.objects.get()) == "published"
    told = Event.objects.get(type="disclosure.published")
    assert (told.aggregate, told.payload["sha256"]) == (f"disclosure:{RISK}", row.sha256)


def test_whoever_wrote_a_line_of_it_does_not_approve_it(library: Library) -> None:
    draft, desk = library.draft(), library.desk
    written = {"title": {"en": "Risks", "dv": "ރިސްކް"}}
    drafting.write_draft(
        desk.people["dina"], draft.pk, written, revision=1, says_the_same=True, key=key(), now=library.now
    )
    proposal = library.submitted(draft)
    refused("about_you", desk.vote, proposal, "dina")
    assert desk.vote(proposal, "emma").state == "APPLIED"


def test_compliance_votes_on_documents_and_on_nothing_else(library: Library) -> None:
    proposal = library.desk.in_review(RISKIER)
    refused("guardian", library.desk.vote, proposal, "dina")


def test_a_scheduled_publication_waits_for_its_time(library: Library) -> None:
    at = library.now.replace(second=0, microsecond=0) + timedelta(days=3)
    proposal = library.submitted(library.draft(effective_from=at.isoformat()))
    assert library.desk.vote(proposal, "dina").state == "APPROVED"
    library.desk.forward(days=2, hours=23)
    library.desk.clockwork()
    assert (state(proposal), DisclosureVersion.objects.count()) == ("APPROVED", 0)
    library.desk.forward(hours=1)
    library.desk.clockwork()
    assert state(proposal) == "APPLIED"
    assert DisclosureVersion.objects.get().published_at == library.now


def test_a_new_version_supersedes_and_a_withdrawal_leaves_nothing_in_force(library: Library) -> None:
    first = library.published()
    second = library.published(text={"en": "Other words.", "dv": TEXT["dv"]})
    assert (second.version, library.state(first), library.state(second)) == (2, "superseded", "in_force")
    assert library.noticed("correct", second).state == "APPLIED"
    assert library.noticed("withdraw", second).state == "APPLIED"
    assert (library.state(first), library.state(second)) == ("superseded", "withdrawn")
    with pytest.raises(Exception, match="withdrawn already"):
        library.noticed("withdraw", second)
    assert [one.what for one in second.notices.order_by("pk")] == ["correction", "withdrawal"]


def test_what_became_untrue_before_its_publication_is_not_published(library: Library) -> None:
    from tests.review.desk import DEX, force_version

    at = (library.now + timedelta(days=1)).isoformat()
    proposal = library.submitted(library.draft(text={"en": "{{limits}}", "dv": "{{limits}}"}, effective_from=at))
    library.desk.vote(proposal, "dina")
    force_version(DEX, {"q_hard_lots": "25"}, library.now)
    library.desk.forward(days=1, minutes=1)
    library.desk.clockwork()
    assert (state(proposal), failure(proposal), DisclosureVersion.objects.count()) == ("FAILED", "stale", 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": {"en": "x", "dv": ""}}, "one_language"),
        ({"review_due_on": "2026-03-02"}, "bad_dates"),
        ({"review_due_on": "2028-03-02"}, "bad_dates"),
        ({"effective_until": "2026-03-01T00:00:00+00:00"}, "bad_dates"),
        ({"effective_from": "2026-04-30T00:00:00+00:00"}, "bad_dates"),
    ],
)
def test_what_is_not_fit_is_not_put_to_review(library: Library, changes: dict, code: str) -> None:
    draft = library.draft(**changes)
    refused(code, library.submitted, draft)
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "constitution"}, "unknown_document"),
        ({"text": {"en": "{{secret_key}}", "dv": ""}}, "unknown_placeholder"),
        ({"text": {"en": "{{ limits", "dv": ""}}, "unknown_placeholder"),
        ({"text": {"en": "x" * 40_001, "dv": ""}}, "long_text"),
        ({"text": {"en": "a\x00b", "dv": ""}}, "bad_text"),
        ({"text": {"en": "a\u202eb", "dv": ""}}, "bad_text"),
        ({"text": {"en": "\ud800", "dv": ""}}, "bad_text"),
        ({"text": {"en": "x"}}, "bad_change"),
        ({"effective_from": "tomorrow"}, "bad_dates"),
        ({"effective_from": "2026-04-01T00:00:00"}, "bad_dates"),
        ({"review_due_on": None}, "bad_dates"),
        ({"sha256": "0" * 64}, "bad_change"),
    ],
)
def test_bad_content_is_refused_at_the_door(library: Library, changes: dict, code: str) -> None:
    refused(code, library.draft, **changes)
    assert not DisclosureDraft.objects.exists()


def test_only_compliance_writes_and_only_what_is_open(library: Library) -> None:
    people = library.desk.people
    for name in ("opal", "anna", "ada", "audrey", "ivy"):
        refused("no_role", library.draft, by=name)
    draft = library.draft()
    written = {"counsel": "A. Advocate"}
    arguments = {"says_the_same": False, "now": library.now}
    refused(
        "content_changed", drafting.write_draft, people["cora"], draft.pk, written, revision=2, key=key(), **arguments
    )
    library.submitted(draft)
    refused("bad_state", drafting.write_draft, people["cora"], draft.pk, written, revision=1, key=key(), **arguments)
    refused("bad_state", drafting.drop_draft, people["cora"], draft.pk, key=key(), now=library.now)


def test_sent_back_it_is_edited_and_proposed_again(library: Library) -> None:
    draft, desk = library.draft(), library.desk
    first = library.submitted(draft)
    desk.vote(first, "dina", "request_changes")
    drafting.write_draft(
        desk.people["cora"],
        draft.pk,
        {"counsel": "A. Advocate"},
        revision=1,
        says_the_same=False,
        key=key(),
        now=desk.now,
    )
    second = library.submitted(draft)
    assert (state(first), second.change["content"]["counsel"]) == ("SUPERSEDED", "A. Advocate")
    assert desk.vote(second, "dina").state == "APPLIED"


def test_the_same_key_does_it_once(library: Library) -> None:
    draft, cora = library.draft(), library.desk.people["cora"]
    made = [drafting.ask_to_publish(cora, draft.pk, "a reason", key="once", now=library.now) for _ in range(2)]
    assert (made[0].pk, Proposal.objects.count()) == (made[1].pk, 1)
    refused("key_used", drafting.ask_to_publish, cora, draft.pk, "another reason", key="once", now=library.now)


def test_the_language_that_lags_is_named(library: Library) -> None:
    draft, cora = library.draft(), library.desk.people["cora"]
    assert lagging(draft.content) == "both"

    def write(revision: int, same: bool, **text: str) -> str:
        written = {"text": {**draft.content["text"], **text}}
        saved = drafting.write_draft(
            cora, draft.pk, written, revision=revision, says_the_same=same, key=key(), now=library.now
        )
        return lagging(saved.content)

    assert [write(1, True), write(2, False, en="More."), write(3, False, dv="އިތުރު"), write(4, True)] == [
        "",
        "dv",
        "en",
        "",
    ]


def test_the_gate_opens_when_every_kind_is_in_force_and_closes_by_time(library: Library) -> None:
    assert "disclosures" in closed_among(["disclosures"])
    check(library.now)
    assert "disclosures" in closed_among(["disclosures"])
    until = (library.now + timedelta(days=30)).isoformat()
    for kind in EVERY_KIND[:-1]:
        library.published(kind)
    library.published(EVERY_KIND[-1], effective_until=until)
    assert "disclosures" not in closed_among(["disclosures"])
    assert set(check(library.now)) == {f"disclosure.in_order:{kind}" for kind in EVERY_KIND}
    assert check(library.now) == []
    library.desk.forward(days=31)
    assert check(library.now) == ["disclosure.missing:operator-identity"]
    assert "disclosures" in closed_among(["disclosures"])
    library.desk.forward(days=140)
    assert "disclosure.review_due:general-risk" in check(library.now)
