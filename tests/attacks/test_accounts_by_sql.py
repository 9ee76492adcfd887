"""Accounts closed and votes given past the services: in SQL with the application's password, by the ORM, by the records."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import LiteralString

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from governance.models import User
from governance.review.applying import apply
from governance.review.starting_policy import starting_policy
from tests.attacks.desk import TIMELOCK, Desk, refusal
from tests.attacks.test_votes_by_sql import LOOSER, VOTE, ballot
from tests.pages import stage

CLOSE = "UPDATE users SET is_active = false WHERE username = 'anna'"
NOBODY = "closed by another administrator's proposal"


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
    insert = (
        "INSERT INTO proposals (kind, subject, title, reason, change, base, content_hash, policy_version, required, risk_class,"
        " risk_reasons, state, revision, proposer_id, proposer_name, created_at, applied_by_name, reviewed_by_name, failure,"
        " preview_hash, is_demo) SELECT 'account', 'account:' || %(who)s, 'x', 'x',"
        " jsonb_build_object('username', %(who)s::text, 'action', 'close'), '{}', repeat('0', 64), 1, '{}', 'reducing', '[]',"
        " 'DRAFT', 1, id, username, now(), '', '', '', '', false FROM users WHERE username = %(by)s"
    )
    close = "UPDATE users SET is_active = false WHERE username = %s"
    for who, by in (("adam", "adam"), ("anna", "olga")):
        desk.app.execute(insert, {"who": who, "by": by})
        assert NOBODY in desk.refused(close, [who])
    for name in ("cora", "dina"):
        desk.close(name)
    desk.app.execute(insert, {"who": "carl", "by": "adam"})
    assert "carl is the last compliance" in desk.refused(close, ["carl"])


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


@pytest.mark.attacks("votes.method", "review_policies.body")
def test_a_vote_by_code_where_the_rules_ask_for_a_key(desk: Desk) -> None:
    body = copy.deepcopy(starting_policy())
    for name in ("increasing", "strictest"):
        body["classes"][name]["demands_security_key"] = True
    early = desk.approved(LOOSER)
    rules = desk.approved({"body": body}, "policy", "adam")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert apply(rules.pk, now=desk.now()).state == "APPLIED"
    made = desk.in_review(LOOSER)
    assert "votes need a security key" in desk.refused(VOTE, ballot(made, "anna"))
    assert refusal(lambda: desk.vote(made, "anna")) == "needs_key"
    # Votes given by code before the rule do not count at application, for the services nor for the database.
    assert "approvals that count" in desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [early.pk])
    assert apply(early.pk, now=desk.now()).failure.startswith("quorum_lost")
