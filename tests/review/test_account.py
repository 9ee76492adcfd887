"""Closing an account: at once, by another administrator with their second factor, and never the last who can decide."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from governance.access import tokens
from governance.access.roles import Role
from governance.models import ApiToken, Notification, PersonSession, Proposal, User
from governance.review import applying
from governance.review.step_up import StepUp
from tests.pages import stage
from tests.review.desk import Desk, failure, refused, state
from tests.review.test_at_once import together
from trading.models import Event


def closing(username: str) -> dict[str, str]:
    return {"username": username, "action": "close"}


def test_one_administrator_closes_it_and_everything_ends(desk: Desk, client: Any) -> None:
    anna = desk.people["anna"]
    stage.sign_in(client, anna)
    row = tokens.issue(anna, "bot", ["approver"], 5, authorised_by="genesis", now=desk.now)
    secret = tokens.collect(anna, row.prefix, now=desk.now).token
    waiting = desk.in_review()
    desk.vote(waiting, "anna")
    closed = desk.close("anna")
    assert (closed.state, closed.risk_class, closed.applied_by_name) == ("APPLIED", "reducing", "ada")
    assert (closed.review_due_at - desk.now).total_seconds() == 86_400
    assert not User.objects.get(pk=anna.pk).is_active
    assert not PersonSession.objects.filter(person=anna).exists()
    assert tokens.authenticate(secret, desk.now) is None
    assert ApiToken.objects.get().revoked_by_name == "ada"
    assert Event.objects.get(type="access.closed").payload == {
        "person": "anna", "authorised_by": f"proposal:{closed.pk}", "sessions": 1, "tokens": 1,
    }  # fmt: skip
    # Her vote counts no more: ben's makes one of two.
    assert desk.vote(waiting, "ben").state == "IN_REVIEW"
    assert desk.vote(waiting, "cara").state == "APPROVED"
    assert desk.review(closed, "ben").reviewed_by_name == "ben"


def test_opened_again_it_has_its_roles_but_none_of_its_tokens_and_votes(desk: Desk) -> None:
    tokens.issue(desk.people["cara"], "bot", ["approver"], 5, authorised_by="genesis", now=desk.now)
    waiting = desk.in_review()
    desk.vote(waiting, "cara")
    desk.close("cara")
    desk.forward(minutes=1)
    opened = desk.applied({"username": "cara", "what": "open"}, "ada", "credentials")
    assert opened.state == "APPLIED"
    assert ApiToken.objects.get().revoked_at is not None
    assert desk.vote(waiting, "anna").state == "IN_REVIEW"
    assert desk.vote(desk.in_review(), "cara").state == "IN_REVIEW"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (closing("ada"), "last_one"),
        (closing("gus"), "last_one"),
        (closing("nobody at all"), "unknown_person"),
        (closing("anna\x00"), "unknown_person"),
        ({"username": "anna", "action": "open"}, "bad_change"),
        ({"username": "anna"}, "bad_change"),
        ({"username": ["anna"], "action": "close"}, "bad_change"),
        (closing("anna") | {"authorised_by": "genesis"}, "bad_change"),
        (None, "bad_change"),
    ],
)
def test_what_is_not_closed(desk: Desk, change: Any, code: str) -> None:
    refused(code, desk.propose, change, "ada", "account")
    assert not Proposal.objects.exists()


def test_it_needs_the_administrators_second_factor(desk: Desk) -> None:
    refused("step_up", desk.propose, closing("anna"), "ada", "account", apply_at_once=True)
    assert not Proposal.objects.exists()
    draft = desk.propose(closing("anna"), "ada", "account")
    refused("step_up", desk.apply_at_once, draft, "ada")
    refused("applies_at_once", desk.submit, draft, "ada")
    refused("no_role", desk.apply_at_once, draft, "opal", StepUp("totp", desk.now))
    assert User.objects.get(username="anna").is_active
    desk.apply_at_once(draft, "ada", StepUp("totp", desk.now))
    refused("no_change", desk.propose, closing("anna"), "ada", "account")


def test_a_draft_about_an_account_that_was_opened_since_is_stale(desk: Desk) -> None:
    draft = desk.propose(closing("cara"), "ada", "account")
    desk.close("cara")
    desk.forward(minutes=1)
    desk.applied({"username": "cara", "what": "open"}, "ada", "credentials")
    User.objects.filter(username="cara").update(activated_at=desk.now)
    refused("stale", desk.apply_at_once, draft, "ada", StepUp("totp", desk.now))


def test_too_few_voters_are_told_and_the_last_one_stays(desk: Desk) -> None:
    desk.close("anna")
    assert not Event.objects.filter(type="proposal.few_voters_left").exists()
    desk.close("ben")
    (told,) = Event.objects.filter(type="proposal.few_voters_left")
    assert (told.payload["able"], told.payload["quorum"]) == (1, 2)
    assert set(Notification.objects.filter(event=told.type).values_list("person__username", flat=True)) == {
        "ada", "cara", "gus",
    }  # fmt: skip
    refused("last_one", desk.propose, closing("cara"), "ada", "account")


def test_taking_roles_away_is_no_way_round(desk: Desk) -> None:
    def taking(username: str, role: str) -> dict[str, str]:
        return {"username": username, "role": role, "action": "revoke"}

    refused("last_one", desk.propose, taking("gus", "compliance"), "ada", "role_grant")
    waiting = desk.propose(taking("cara", "approver"), "ada", "role_grant")
    for name in ("anna", "ben"):
        desk.revoke(name, "approver")
    refused("last_one", desk.apply_at_once, waiting, "ada", StepUp("totp", desk.now))
    desk.revoke("audrey", "auditor")
    assert Event.objects.filter(type="proposal.few_voters_left").count() == 1


def test_a_role_is_taken_with_the_administrators_second_factor_alone(desk: Desk) -> None:
    change = {"username": "cara", "role": "approver", "action": "revoke"}
    refused("step_up", desk.propose, change, "ada", "role_grant", apply_at_once=True)
    assert not Proposal.objects.exists()
    draft = desk.propose(change, "ada", "role_grant")
    refused("step_up", desk.apply_at_once, draft, "ada")
    refused("step_up", desk.apply_at_once, draft, "ada", StepUp("totp", desk.now - timedelta(minutes=6)))
    assert User.objects.filter(username="cara", groups__name="approver").exists()


def test_the_last_administrator_stays(desk: Desk) -> None:
    own = {"username": "ada", "role": "administrator", "action": "revoke"}
    refused("last_one", desk.propose, own, "ada", "role_grant")
    desk.person("alan", Role.ADMINISTRATOR)
    assert desk.propose(own, "ada", "role_grant").state == "DRAFT"
    refused("about_you", desk.propose, closing("ada"), "ada", "account")
    waiting = desk.propose(closing("ada"), "alan", "account")
    desk.revoke("alan", "administrator")
    refused("no_role", desk.apply_at_once, waiting, "alan", StepUp("totp", desk.now))
    desk.person("alice", Role.ADMINISTRATOR)
    desk.close("ada", "alice")
    assert User.objects.get(username="alice").is_active


def test_a_proposer_whose_account_was_closed_stops_their_proposal(desk: Desk) -> None:
    approved = desk.approved()
    desk.close("opal")
    desk.forward(hours=1)
    desk.clockwork()
    assert (state(approved), failure(approved)) == ("FAILED", "proposer_gone")


def test_two_administrators_close_the_last_two_approvers_at_once(committed_desk: Desk) -> None:
    desk = committed_desk
    desk.person("alan", Role.ADMINISTRATOR)
    desk.close("anna")
    drafts = [desk.propose(closing(name), by, "account") for name, by in (("ben", "ada"), ("cara", "alan"))]
    calls = [
        partial(
            applying.apply_at_once, desk.people[one.proposer_name], one.pk, key=f"close-{one.pk}", now=desk.now,
            step_up=StepUp("totp", desk.now),
        )
        for one in drafts
    ]  # fmt: skip
    assert sorted(together(*calls)) == ["done", "last_one"]
    assert User.objects.filter(username__in=("ben", "cara"), is_active=True).count() == 1


@pytest.mark.parametrize("kind", ["role_grant", "account"])
def test_two_administrators_take_each_other_away_at_once(committed_desk: Desk, kind: str) -> None:
    desk = committed_desk
    desk.person("alan", Role.ADMINISTRATOR)
    what = {"role": "administrator", "action": "revoke"} if kind == "role_grant" else {"action": "close"}
    drafts = [desk.propose({"username": name} | what, by, kind) for name, by in (("alan", "ada"), ("ada", "alan"))]
    calls = [
        partial(
            applying.apply_at_once, desk.people[one.proposer_name], one.pk, key=f"each-{one.pk}", now=desk.now,
            step_up=StepUp("totp", desk.now),
        )
        for one in drafts
    ]  # fmt: skip
    assert sorted(together(*calls)) == ["done", "no_role"]
    assert User.objects.filter(groups__name="administrator", is_active=True).count() == 1
