"""What the public was told, attacked in SQL with the application's own password."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

import pytest
from django.db import DatabaseError, transaction

from disclosures.documents import drafting
from disclosures.documents.content import published_form
from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.models import Proposal
from governance.review.applying import apply
from tests.attacks.desk import Desk
from tests.attacks.test_votes_by_sql import VOTE, ballot
from trading.models import NamedGate

KIND: Final = "general-risk"
INSERT: Final[LiteralString] = (
    "INSERT INTO disclosure_versions (kind, version, content, sha256, published_at, effective_until, review_due_on,"
    " authorised_by, author_name, approver_name, pdf_en, pdf_dv) VALUES (%(kind)s, %(version)s, %(content)s, %(sha256)s,"
    " %(published_at)s,"
    " %(effective_until)s, '2099-01-01', %(authorised_by)s, 'nobody', 'counsel', '', '')"
)
NOTICE: Final[LiteralString] = (
    "INSERT INTO disclosure_notices (version_id, what, text_en, text_dv, authorised_by, at)"
    " SELECT id, %(what)s, %(en)s, 'ނުބައި', %(by)s, '2020-01-01' FROM disclosure_versions LIMIT 1"
)
GATE: Final[LiteralString] = (
    "INSERT INTO named_gates (name, is_open, reason, changed_at, changed_by) VALUES ('disclosures', true, 'x', now(), 'x')"
)


def draft(desk: Desk, by: str = "carl", kind: str = KIND, **changes: Any) -> DisclosureDraft:
    content = {
        "format": 1, "kind": kind, "title": {"en": "Risks", "dv": "ރިސްކް"}, "text": {"en": "Be careful.", "dv": "ސަމާލުވޭ."},
        "in_step": {"en": "", "dv": ""}, "counsel": "", "native_reviewer": "", "requires_acknowledgement": True,
        "is_material": True, "effective_from": None, "effective_until": None,
        "review_due_on": (desk.now() + timedelta(days=90)).date().isoformat(),
    } | changes  # fmt: skip
    return drafting.make_draft(desk.people[by], content, key=uuid.uuid4().hex, now=desk.now())


def in_review(desk: Desk, by: str = "carl", **changes: Any) -> Proposal:
    made = draft(desk, by, **changes)
    return drafting.ask_to_publish(desk.people[by], made.pk, "a reason", key=uuid.uuid4().hex, now=desk.now())


def row(proposal: Proposal, **changes: Any) -> dict[str, Any]:
    content, sha256 = published_form(proposal.change["content"])
    return {
        "kind": KIND, "version": 1, "content": content, "sha256": sha256, "authorised_by": f"proposal:{proposal.pk}",
        "published_at": datetime(2020, 1, 1, tzinfo=UTC), "effective_until": None,
    } | changes  # fmt: skip


@pytest.mark.attacks("disclosure_versions.*")
def test_nothing_is_published_that_was_not_approved(desk: Desk) -> None:
    made = in_review(desk)
    for authority in ("genesis", "", "proposal:0", "proposal:999999"):
        desk.refused(INSERT, row(made, authorised_by=authority))
    assert "not approved" in desk.refused(INSERT, row(made))
    desk.vote(made, "cora", "reject")
    assert "not approved" in desk.refused(INSERT, row(made))
    loosening = desk.draft({"markets": {"dct-usdt-dex": {"spread_floor_bps": "1"}}})
    assert "explains no change" in desk.refused(INSERT, row(made, authorised_by=f"proposal:{loosening.pk}"))


@pytest.mark.attacks("disclosure_versions.*")
def test_nothing_is_published_early_backdated_or_otherwise_than_approved(desk: Desk) -> None:
    begins = desk.now() + timedelta(days=2)
    made = desk.vote(in_review(desk, effective_from=begins.isoformat()), "cora")
    assert made.state == "APPROVED"
    assert "still in its timelock" in desk.refused(INSERT, row(made))
    desk.refused("UPDATE proposals SET not_before = now(), scheduled_for = now() WHERE id = %s", [made.pk])
    desk.travel(timedelta(days=2, minutes=1))
    other = json.dumps(made.change["content"] | {"counsel": "A. Advocate"})
    for change in (
        {"content": other}, {"content": other, "sha256": "0" * 64}, {"sha256": "0" * 64}, {"kind": "treasury-usage"},
        {"version": 2}, {"version": 0}, {"content": row(made)["content"] + " "},
    ):  # fmt: skip
        desk.refused(INSERT, row(made, **change))
    desk.app.execute(INSERT, row(made, effective_until=datetime(2199, 1, 1, tzinfo=UTC)))
    kept = desk.one("SELECT * FROM disclosure_versions")
    assert abs(kept["published_at"] - desk.now()) < timedelta(minutes=1)
    names = (kept["author_name"], kept["approver_name"], kept["effective_until"])
    assert (*names, kept["review_due_on"].isoformat()) == (
        "carl",
        "cora",
        None,
        made.change["content"]["review_due_on"],
    )
    desk.refused(INSERT, row(made, version=2))


@pytest.mark.attacks("disclosure_versions.*", "votes.*")
def test_an_author_approves_by_no_door(desk: Desk) -> None:
    made = draft(desk)
    drafting.write_draft(
        desk.people["cora"],
        made.pk,
        {"counsel": "x"},
        revision=1,
        says_the_same=True,
        key=uuid.uuid4().hex,
        now=desk.now(),
    )
    proposal = drafting.ask_to_publish(desk.people["carl"], made.pk, "a reason", key=uuid.uuid4().hex, now=desk.now())
    assert "their own proposal" in desk.refused(VOTE, ballot(proposal, "carl"))
    for stranger in ("anna", "olga", "adam"):
        assert "may not vote" in desk.refused(VOTE, ballot(proposal, stranger))
    desk.app.execute(VOTE, ballot(proposal, "cora"))
    desk.app.execute("UPDATE proposals SET state = 'APPROVED' WHERE id = %s", [proposal.pk])
    assert "approved by one of its authors" in desk.refused(INSERT, row(proposal))
    assert apply(proposal.pk, now=desk.now()).failure.startswith("quorum_lost")


def approve_another_revision(desk: Desk, made: Proposal, change: dict[str, Any]) -> None:
    """As the application could write it past its services: the next revision says `change`, and dina approves it."""
    made.change = change
    desk.app.execute(
        "UPDATE proposals SET state = 'DRAFT', revision = revision + 1, change = %s::jsonb WHERE id = %s",
        [json.dumps(change), made.pk],
    )
    desk.app.execute("UPDATE proposals SET state = 'IN_REVIEW' WHERE id = %s", [made.pk])
    desk.app.execute(VOTE, ballot(made, "dina"))
    desk.app.execute("UPDATE proposals SET state = 'APPROVED' WHERE id = %s", [made.pk])


@pytest.mark.attacks("disclosure_versions.*")
def test_the_next_review_is_due_in_time(desk: Desk) -> None:
    made = in_review(desk)
    said = made.change
    today = desk.now().date()
    for due in (today, today + timedelta(days=431)):
        with transaction.atomic():
            content = said["content"] | {"review_due_on": due.isoformat()}
            approve_another_revision(desk, made, said | {"content": content, "sha256": published_form(content)[1]})
            assert "its next review is due in the past, or too far ahead" in desk.refused(INSERT, row(made))
            transaction.set_rollback(True)


@pytest.mark.attacks("disclosure_versions.*", "votes.*")
def test_who_approved_an_earlier_revision_may_write_in_the_next(desk: Desk) -> None:
    made = in_review(desk)
    desk.app.execute(VOTE, ballot(made, "cora"))
    approve_another_revision(desk, made, made.change | {"authors": ["carl", "cora"]})
    desk.app.execute(INSERT, row(made))
    assert desk.one("SELECT approver_name FROM disclosure_versions")["approver_name"] == "dina"


@pytest.mark.attacks("disclosure_versions.*", "disclosure_notices.*", "disclosure_acknowledgements.*")
def test_what_was_published_said_or_accepted_stays(desk: Desk) -> None:
    done = desk.vote(in_review(desk), "cora")
    assert (done.state, done.failure) == ("APPLIED", "")
    said = {"en": "Wrong.", "dv": "ނުބައި"}
    notice = drafting.ask_for_notice(
        desk.people["carl"], "correct", KIND, 1, said, "a reason", key=uuid.uuid4().hex, now=desk.now()
    )
    wrong = {"what": "correction", "en": "Wrong.", "by": f"proposal:{notice.pk}"}
    assert "not approved" in desk.refused(NOTICE, wrong)
    desk.vote(notice, "dina")
    for change in (
        {"what": "withdrawal"},
        {"en": "All is well."},
        {"by": f"proposal:{done.pk}"},
        {"by": "genesis"},
        {},
    ):
        desk.refused(NOTICE, wrong | change)
    acknowledge: LiteralString = (
        "INSERT INTO disclosure_acknowledgements (version_id, person_id, sha256, at)"
        " SELECT v.id, u.id, %s, '2020-01-01' FROM disclosure_versions v, users u WHERE u.username = 'olga' LIMIT 1"
    )
    assert "another text" in desk.refused(acknowledge, ["0" * 64])
    desk.app.execute(acknowledge, [done.change["sha256"]])
    assert desk.one("SELECT at FROM disclosure_acknowledgements")["at"].year >= 2026
    attacks: tuple[LiteralString, ...] = (
        "UPDATE disclosure_versions SET content = replace(content, 'careful', 'careless')",
        "UPDATE disclosure_versions SET published_at = '2020-01-01'",
        "UPDATE disclosure_versions SET effective_until = NULL",
        "UPDATE disclosure_versions SET pdf_en = ''",
        "UPDATE disclosure_versions SET kind = 'treasury-usage'",
        "DELETE FROM disclosure_versions",
        "TRUNCATE disclosure_versions CASCADE",
        "UPDATE disclosure_notices SET text_en = ''",
        "DELETE FROM disclosure_notices",
        "TRUNCATE disclosure_notices",
        "UPDATE disclosure_acknowledgements SET person_id = 1",
        "DELETE FROM disclosure_acknowledgements",
        "TRUNCATE disclosure_acknowledgements",
        "ALTER TABLE disclosure_versions DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION governance.required_disclosures() RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'",
    )
    for attack in attacks:
        desk.refused(attack)
    for change in ({"content": "{}"}, {"published_at": datetime(2020, 1, 1, tzinfo=UTC)}):
        with pytest.raises(DatabaseError):
            DisclosureVersion.objects.update(**change)
    with pytest.raises(DatabaseError):
        DisclosureVersion.objects.all().delete()


@pytest.mark.attacks("named_gates.*")
def test_the_gate_of_the_disclosures_opens_for_nobody(desk: Desk) -> None:
    assert "only while every required one is published" in desk.refused(GATE)
    desk.vote(in_review(desk), "cora")
    assert not NamedGate.objects.get(name="disclosures").is_open
    assert "only while" in desk.refused("UPDATE named_gates SET is_open = true WHERE name = 'disclosures'")
    desk.refused("UPDATE named_gates SET name = 'live' WHERE name = 'disclosures'")
    desk.refused("DELETE FROM named_gates")
