"""Accounts closed and votes given past the services: in SQL with the application's password, by the ORM, by the records."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import LiteralString

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client

from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.models import User
from governance.review.applying import apply
from governance.review.starting_policy import starting_policy
from tests.attacks.desk import TIMELOCK, Desk, refusal
from tests.attacks.test_parameters_by_sql import UPDATE
from tests.attacks.test_votes_by_sql import LOOSER, VOTE, ballot
from tests.pages import stage

CLOSE = "UPDATE users SET is_active = false WHERE username = 'anna'"
NOBODY = "closed by another administrator's proposal"
DRAFT_TO_CLOSE = (
    "INSERT INTO proposals (kind, subject, title, reason, change, base, content_hash, policy_version, required, risk_class,"
    " risk_reasons, state, revision, proposer_id, proposer_name, created_at, applied_by_name, reviewed_by_name, failure,"
    " preview_hash, is_demo) SELECT 'account', 'account:' || %(who)s, 'x', 'x',"
    " jsonb_build_object('username', %(who)s::text, 'action', 'close'), '{}', repeat('0', 64), 1, '{}', 'reducing', '[]',"
    " 'DRAFT', 1, id, username, now(), '', '', '', '', false FROM users WHERE username = %(by)s"
)


@pytest.mark.attacks("users.is_active")
def test_an_account_is_closed_by_no_statement_alone(desk: Desk) -> None:
    statements: tuple[LiteralString, ...] = (
        CLOSE,
        "UPDATE users SET is_active = false",
        "UPDATE users SET is_active = false, activated_at = NULL WHERE username = 'olga'",
    )
    for statement in statements:
        assert NOBODY in desk.refused(statement)
    # An operator's draft, one about somebody else, and an old one that is over.
    desk.draft(LOOSER)
    desk.draft({"username": "clara", "action": "close"}, "account", "adam")
    assert NOBODY in desk.refused(CLOSE)


@pytest.mark.attacks("users.is_active")
def test_a_draft_closes_nothing_before_it_is_applied_and_closes_once(desk: Desk) -> None:
    draft = desk.draft({"username": "anna", "action": "close"}, "account", "adam")
    assert "no applied proposal closes" in desk.refused(CLOSE)
    assert "the account is open" in desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [draft.pk])
    desk.close("anna")
    opened = desk.in_review({"username": "anna", "what": "open"}, "credentials", "adam")
    for name in ("boris", "clara"):
        desk.vote(opened, name)
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert (apply(opened.pk, now=desk.now()).state, User.objects.get(username="anna").is_active) == ("APPLIED", True)
    # What closed it before does not close it again.
    assert "no applied proposal closes" in desk.refused(CLOSE)


@pytest.mark.attacks("users.is_active")
def test_nobody_closes_themselves_or_the_last_who_can_decide(desk: Desk) -> None:
    close = "UPDATE users SET is_active = false WHERE username = %s"
    for who, by in (("adam", "adam"), ("anna", "olga")):
        desk.app.execute(DRAFT_TO_CLOSE, {"who": who, "by": by})
        assert NOBODY in desk.refused(close, [who])
    for name in ("cora", "dina"):
        desk.close(name)
    desk.app.execute(DRAFT_TO_CLOSE, {"who": "carl", "by": "adam"})
    assert "carl is the last compliance" in desk.refused(close, ["carl"])


@pytest.mark.attacks("users.is_active")
def test_an_approver_who_is_a_guardian_too_is_nobody_left(desk: Desk) -> None:
    """Two approvers stay, and neither could vote: one is a member of both roles, one has the guardian's grant alone."""
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    for name in ("boris", "clara"):
        grant_role(desk.people[name], Role.COMPLIANCE, authorised_by="genesis", reason="g", now=desk.now())
    desk.people["clara"].groups.remove(Group.objects.get(name="compliance"))
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    desk.app.execute(DRAFT_TO_CLOSE, {"who": "anna", "by": "adam"})
    assert "anna is the last approver" in desk.refused(CLOSE)


@pytest.mark.attacks("users.is_active")
def test_by_the_orm_and_by_the_records(desk: Desk) -> None:
    anna = User.objects.get(username="anna")
    anna.is_active = False
    for attempt in (
        lambda: anna.save(),
        lambda: User.objects.filter(pk=anna.pk).update(is_active=False),
        lambda: User.objects.bulk_update([anna], ["is_active"]),
    ):
        with pytest.raises(IntegrityError, match=NOBODY), transaction.atomic():
            attempt()
    records = stage.sign_in(Client(), desk.people["adam"])
    for address in (f"/admin/governance/user/{anna.pk}/change/", "/admin/governance/user/"):
        records.post(address, {"is_active": "", "action": "delete_selected", "_selected_action": anna.pk})
    assert User.objects.get(pk=anna.pk).is_active


def demand_keys(desk: Desk) -> None:
    """The next rules of review, as approved: what increases risk, and the strictest, is voted on by security keys."""
    body = copy.deepcopy(starting_policy())
    for name in ("increasing", "strictest"):
        body["classes"][name]["demands_security_key"] = True
    rules = desk.approved({"body": body}, "policy", "adam")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert apply(rules.pk, now=desk.now()).state == "APPLIED"


@pytest.mark.attacks("votes.method", "review_policies.body")
def test_a_vote_by_code_where_the_rules_ask_for_a_key(desk: Desk) -> None:
    early = desk.approved(LOOSER)
    demand_keys(desk)
    made = desk.in_review(LOOSER)
    assert "votes need a security key" in desk.refused(VOTE, ballot(made, "anna"))
    assert refusal(lambda: desk.vote(made, "anna")) == "needs_key"
    # Votes given by code before the rule do not count at application, for the services nor for the database.
    assert "approvals that count" in desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [early.pk])
    assert apply(early.pk, now=desk.now()).failure.startswith("quorum_lost")


@pytest.mark.attacks("votes.method", "proposals.risk_class", "parameter_sets.*")
def test_votes_by_code_on_what_calls_itself_neutral(desk: Desk) -> None:
    """The class that counts is the one of the rows: codes that a wrong label let in allow nothing."""
    demand_keys(desk)
    made = desk.draft(LOOSER)
    desk.app.execute("UPDATE proposals SET risk_class = 'neutral', revision = revision + 1 WHERE id = %s", [made.pk])
    desk.app.execute("UPDATE proposals SET state = 'IN_REVIEW' WHERE id = %s", [made.pk])
    for name in ("anna", "boris"):
        desk.app.execute(VOTE, ballot(made, name))
    desk.app.execute("UPDATE proposals SET state = 'APPROVED' WHERE id = %s", [made.pk])
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "has not the 2 approvals that count" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])
