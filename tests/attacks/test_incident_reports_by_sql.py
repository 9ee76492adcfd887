"""Reports of incidents, attacked in SQL with the application's own password: the guards of documents hold for them too, and a
report says when its incident was."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from disclosures.documents import drafting
from disclosures.documents.content import published_form
from disclosures.documents.incident import SECTIONS
from disclosures.models import DisclosureVersion
from governance.models import Proposal
from governance.review.errors import ReviewRefused
from tests.attacks.desk import Desk
from tests.attacks.test_documents_by_sql import INSERT, NOTICE, row

REPORT = "incident-20260302-1"
BEGAN = "2020-01-02T00:00:00+00:00"
pytestmark = pytest.mark.attacks("disclosure_versions.*", "disclosure_notices.*")


def in_review(desk: Desk) -> Proposal:
    """Written by an operator, proposed by carl."""
    now = desk.now()
    began = now - timedelta(hours=2)
    draft = drafting.start_report(desk.people["olga"], began.isoformat(), key=uuid.uuid4().hex, now=now)
    text = {language: "\n\n".join(f"## {head}\n\nx" for head in heads) for language, heads in SECTIONS.items()}
    written: dict[str, Any] = {"title": {"en": "Quotes stood still", "dv": "ކޯޓު"}, "text": text}
    more: dict[str, Any] = {"revision": 1, "says_the_same": True, "now": now}
    drafting.write_draft(desk.people["olga"], draft.pk, written, key=uuid.uuid4().hex, **more)
    return drafting.ask_to_publish(desk.people["carl"], draft.pk, "a reason", key=uuid.uuid4().hex, now=now)


def of(made: Proposal, **changes: Any) -> dict[str, Any]:
    return row(made, kind=made.change["content"]["kind"]) | changes


def test_nothing_is_published_that_was_not_approved(desk: Desk) -> None:
    made = in_review(desk)
    for authority in ("genesis", "", "proposal:0", "proposal:999999"):
        desk.refused(INSERT, of(made, authorised_by=authority))
    assert "not approved" in desk.refused(INSERT, of(made))
    desk.vote(made, "cora", "reject")
    assert "not approved" in desk.refused(INSERT, of(made))


def test_nobody_approves_what_they_proposed_or_wrote(desk: Desk) -> None:
    made = in_review(desk)
    for name in ("carl", "olga", "anna"):
        with pytest.raises(ReviewRefused):
            desk.vote(made, name)
    assert not DisclosureVersion.objects.exists()
    assert desk.vote(made, "cora").state == "APPLIED"


def test_what_is_published_stays_as_approved(desk: Desk) -> None:
    made = desk.vote(in_review(desk), "cora")
    kind = made.change["content"]["kind"]
    assert DisclosureVersion.objects.get().kind == kind
    other = published_form({**made.change["content"], "title": {"en": "Nothing happened", "dv": "ނެތް"}})
    for changes in (
        {"version": 2}, {"kind": "incident-20260101-1"}, {"kind": "general-risk"}, {"content": other[0], "sha256": other[1]},
    ):  # fmt: skip
        desk.refused(INSERT, of(made, **changes))
    for statement in (
        "UPDATE disclosure_versions SET kind = 'general-risk'", "DELETE FROM disclosure_versions",
        "TRUNCATE disclosure_versions CASCADE",
    ):  # fmt: skip
        assert "permission denied" in desk.refused(statement)
    desk.refused(NOTICE, {"what": "withdrawal", "en": "x", "by": f"proposal:{made.pk}"})
    for attempt in (
        lambda: DisclosureVersion.objects.update(kind="general-risk"),
        lambda: DisclosureVersion.objects.bulk_create(
            [DisclosureVersion(**of(made) | {"review_due_on": "2099-01-01"})]
        ),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


# What PostgreSQL would read as a time, some of it by the session's time zone or as the time of reading.
WRONG: tuple[Any, ...] = (
    "2020-01-02T00:00:00", "2020-01-02T00:00Z", "2020-01-02", "now", "today", "yesterday", "-infinity",
    "2020-01-02T00:00:00+05:00", "2020-01-02T00:00:30+00:00", "2020-01-02T00:00:00+00:00 ", "2020-01-02T00:00:00+00:00\n",
    "1999-01-02T00:00:00+00:00", "2020-01-02T00:00:00-00:00", "", 20200102, None, ["2020-01-02T00:00:00+00:00"],
)  # fmt: skip


def when(began: Any = BEGAN, ended: str | None = None, **more: Any) -> dict[str, Any]:
    return {"incident": {"starts_at": began, "ends_at": ended, "markets": []}} | more


@pytest.mark.parametrize(
    ("kind", "told", "refusal"),
    [
        (REPORT, {}, "says when it was"),
        ("general-risk", when(), "says when it was"),
        (REPORT, when("2099-01-01T00:00:00+00:00"), "after it began"),
        (REPORT, when(ended="2020-01-01T00:00:00+00:00"), "after it began"),
        (REPORT, when(ended="2099-01-01T00:00:00+00:00"), "after it began"),
        (REPORT, {"incident": {"starts_at": BEGAN, "ends_at": None}}, "after it began"),
        (REPORT, {"incident": {"ends_at": None, "markets": []}}, "written in UTC"),
        (REPORT, {"incident": {"starts_at": BEGAN, "markets": []}}, "written in UTC"),
        *((REPORT, when(wrong), "written in UTC") for wrong in WRONG),
        *((REPORT, when(ended=wrong), "written in UTC") for wrong in WRONG if wrong is not None),
        (REPORT, when(requires_acknowledgement=True), "nobody is asked to accept"),
        (REPORT, when(effective_until="2098-01-01T00:00Z"), "nobody is asked to accept"),
    ],
)
def test_the_database_knows_what_a_report_is(desk: Desk, kind: str, told: dict[str, Any], refusal: str) -> None:
    """Whatever was approved: asked of the very rule that the guard of versions asks."""
    plain = {"effective_until": None, "requires_acknowledgement": False}
    statement = "SELECT governance.demand_incident(%s, %s::jsonb, now())"
    assert refusal in desk.refused(statement, [kind, json.dumps(plain | told)])
    desk.app.execute(statement, [REPORT, json.dumps(when() | plain)])
    desk.app.execute(statement, ["general-risk", json.dumps(plain)])


def test_no_time_zone_of_a_session_makes_a_report_of_the_future_one_of_the_past(desk: Desk) -> None:
    """A time without an offset would be read by the session's zone: ahead here, over there."""
    plain = {"effective_until": None, "requires_acknowledgement": False}
    soon = f"{desk.now() + timedelta(hours=6):%Y-%m-%dT%H:%M:00}"
    for zone in ("UTC", "Etc/GMT-14", "Etc/GMT+12"):
        with desk.app.transaction():
            desk.app.execute("SELECT set_config('TimeZone', %s, true)", [zone])
            statement = "SELECT governance.demand_incident(%s, %s::jsonb, governance.now())"
            assert "written in UTC" in desk.refused(statement, [REPORT, json.dumps(plain | when(soon))]), zone
            told = json.dumps(plain | when(f"{soon}+00:00"))
            assert "after it began" in desk.refused(statement, [REPORT, told]), zone


def test_the_guard_of_versions_asks_that_rule(desk: Desk) -> None:
    found = desk.one("SELECT prosrc FROM pg_proc WHERE proname = 'guard_disclosure_versions'")
    assert "PERFORM governance.demand_incident(NEW.kind, body, at);" in found["prosrc"]
