"""Whose vote counts: at the vote, and again when the change is applied."""

from __future__ import annotations

import pytest

from governance.access.credentials import RESETS
from governance.access.grants import grant_role, revoke_role
from governance.access.roles import Role
from governance.models import User
from tests.review.desk import Desk, failure, in_force, refused, state
from trading.models import Event

DEX = "dct-usdt-dex"


def close(desk: Desk, name: str) -> None:
    User.objects.filter(username=name).update(is_active=False)


def lose_role(desk: Desk, name: str) -> None:
    revoke_role(desk.people[name], Role.APPROVER, by_name="ada", now=desk.now)


def reset(desk: Desk, name: str) -> None:
    """The database writes the time by itself where it has that rule; here it is written for it."""
    person = User.objects.get(username=name)
    person.email = f"{name}@example.com"
    RESETS["password"](person, authorised_by="proposal:0", now=desk.now)
    User.objects.filter(username=name).update(credentials_changed_at=desk.now)


def reopen(desk: Desk, name: str) -> None:
    User.objects.filter(username=name).update(is_active=False)
    User.objects.filter(username=name).update(is_active=True, activated_at=desk.now)


def change_roles(desk: Desk, name: str) -> None:
    lose_role(desk, name)
    grant_role(desk.people[name], Role.APPROVER, authorised_by="genesis", reason="back", now=desk.now)
    User.objects.filter(username=name).update(roles_changed_at=desk.now)


HAPPENS = {
    "inactive": close,
    "no_role": lose_role,
    "credentials_after": reset,
    "opened_after": reopen,
    "role_after": change_roles,
}


@pytest.mark.parametrize("code", HAPPENS)
def test_what_happened_to_a_voter_after_the_proposal_was_made(desk: Desk, code: str) -> None:
    proposal = desk.in_review()
    desk.forward(minutes=1)
    HAPPENS[code](desk, "anna")
    refused(code, desk.vote, proposal, "anna")


@pytest.mark.parametrize("code", HAPPENS)
def test_what_happened_to_a_voter_between_vote_and_effect(desk: Desk, code: str) -> None:
    proposal = desk.approved()
    desk.forward(minutes=30)
    HAPPENS[code](desk, "anna")
    desk.forward(minutes=30)
    desk.clockwork()
    assert (state(proposal), failure(proposal), in_force(DEX, "spread_floor_bps")) == ("FAILED", "quorum_lost", "5")


def test_a_vote_that_does_not_count_any_more_is_made_up_for_by_a_third_person(desk: Desk) -> None:
    proposal = desk.in_review()
    desk.vote(proposal, "anna")
    desk.forward(minutes=1)
    lose_role(desk, "anna")
    assert desk.vote(proposal, "ben").state == "IN_REVIEW"
    assert desk.vote(proposal, "cara").state == "APPROVED"


def test_people_made_or_promoted_after_the_proposal_do_not_decide_on_it(desk: Desk) -> None:
    proposal = desk.in_review()
    desk.forward(seconds=1)
    desk.person("newcomer", Role.APPROVER)
    refused("joined_after", desk.vote, proposal, "newcomer")
    grant_role(desk.people["audrey"], Role.APPROVER, authorised_by="genesis", reason="moved", now=desk.now)
    User.objects.filter(username="audrey").update(roles_changed_at=desk.now)
    refused("role_after", desk.vote, proposal, "audrey")
    later = desk.in_review({"markets": {DEX: {"beta": "0.4"}}}, "oscar")
    User.objects.filter(username__in=("newcomer", "audrey")).update(roles_changed_at=desk.now)
    desk.vote(later, "newcomer")
    assert desk.vote(later, "audrey").state == "APPROVED"


def test_a_guardian_who_is_also_an_approver_does_not_vote(desk: Desk) -> None:
    desk.forward(hours=-1)
    desk.person("greta", Role.APPROVER, Role.COMPLIANCE)
    desk.forward(hours=1)
    refused("guardian", desk.vote, desk.in_review(), "greta")


def test_an_operator_who_is_also_an_approver_does_not_vote_on_what_is_their_own(desk: Desk) -> None:
    desk.forward(hours=-1)
    desk.person("both", Role.APPROVER, Role.OPERATOR)
    desk.forward(hours=1)
    refused("own_proposal", desk.vote, desk.in_review(by="both"), "both")
    assert desk.vote(desk.in_review(by="oscar"), "both").state == "IN_REVIEW"


def test_a_proposer_who_may_not_propose_any_more_stops_it(desk: Desk) -> None:
    closed, moved = desk.approved(), desk.approved(by="oscar")
    close(desk, "opal")
    revoke_role(desk.people["oscar"], Role.OPERATOR, by_name="ada", now=desk.now)
    desk.forward(hours=1)
    desk.clockwork()
    assert [failure(one) for one in (closed, moved)] == ["proposer_gone", "proposer_gone"]


def test_too_few_voters_are_told_of_once(desk: Desk) -> None:
    for name in ("ben", "cara"):
        close(desk, name)
    proposal = desk.in_review()
    desk.clockwork()
    (told,) = Event.objects.filter(type="proposal.voters_missing")
    assert (told.aggregate, told.payload["able"], told.payload["quorum"]) == (f"proposal:{proposal.pk}", 1, 2)
    assert state(proposal) == "IN_REVIEW"


def test_voters_who_leave_during_review_are_missed(desk: Desk) -> None:
    desk.in_review()
    desk.clockwork()
    assert not Event.objects.filter(type="proposal.voters_missing").exists()
    for name in ("anna", "cara"):
        close(desk, name)
    desk.clockwork()
    desk.clockwork()
    assert Event.objects.filter(type="proposal.voters_missing").count() == 1
