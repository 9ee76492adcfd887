"""Votes given with a security key: the signature is over the proposal's hash, kept with the vote, and counts while it holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.access import step_up
from governance.models import Proposal, SecurityKey, Vote
from governance.review.step_up import StepUp
from tests.access.authenticator import Authenticator
from tests.review.desk import Desk, failure, in_force, key, refused, state

DEX = "dct-usdt-dex"


def signed(desk: Desk, by: str, authenticator: Authenticator, proposal: Proposal) -> StepUp:
    """As at a door: the browser is asked about the proposal's hash, the key answers, the answer is verified."""
    person, content = desk.people[by], proposal.content_hash
    step_up.begin(person, "vote", content, desk.now)
    answer = authenticator.assertion(bytes.fromhex(content))
    return step_up.verify(person, {"assertion": answer}, "vote", content, desk.now)


@pytest.fixture
def keys(desk: Desk) -> dict[str, Authenticator]:
    """Anna's and Ben's, enrolled before anything is proposed."""
    made = {"anna": Authenticator(), "ben": Authenticator()}
    for name, authenticator in made.items():
        authenticator.enrol(desk.people[name])
    desk.forward(hours=1)
    return made


def approved(desk: Desk, keys: dict[str, Authenticator]) -> Proposal:
    proposal = desk.in_review()
    for name, authenticator in keys.items():
        proposal = desk.vote(proposal, name, step_up=signed(desk, name, authenticator, proposal))
    assert proposal.state == "APPROVED"
    desk.forward(hours=1)
    return proposal


def test_signed_votes_are_kept_and_apply(desk: Desk, keys: dict[str, Authenticator]) -> None:
    proposal = approved(desk, keys)
    for vote in Vote.objects.all():
        assert vote.method == "webauthn"
        assert step_up.verify_stored(vote.assertion, proposal.content_hash, vote.voter)
    assert desk.apply(proposal).state == "APPLIED"
    assert in_force(DEX, "spread_floor_bps") == "4"


def test_a_key_revoked_meanwhile_takes_its_vote_along(desk: Desk, keys: dict[str, Authenticator]) -> None:
    """By the database's rule on changed credentials and, where that looked away, by the signature itself."""
    proposal = approved(desk, keys)
    SecurityKey.objects.filter(person=desk.people["ben"]).update(revoked_at=desk.now)
    assert desk.apply(proposal).state == "FAILED"
    assert (failure(proposal), in_force(DEX, "spread_floor_bps")) == ("quorum_lost", "5")


def test_a_vote_whose_signature_is_about_something_else_does_not_count(
    desk: Desk, keys: dict[str, Authenticator]
) -> None:
    """Written past the doors, as whoever has the application's password could."""
    proposal = desk.in_review()
    desk.vote(proposal, "anna", step_up=signed(desk, "anna", keys["anna"], proposal))
    other = desk.in_review({"markets": {DEX: {"spread_floor_bps": "3"}}})
    stolen = signed(desk, "ben", keys["ben"], other)
    desk.vote(proposal, "ben", step_up=stolen)
    assert state(proposal) == "APPROVED"
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "FAILED"
    assert failure(proposal) == "quorum_lost"


def test_a_vote_needs_a_proof_that_is_fresh_and_whole(desk: Desk) -> None:
    proposal = desk.in_review()
    late = StepUp("totp", desk.now - timedelta(minutes=6))
    for shown in (
        None,
        late,
        StepUp("webauthn", desk.now),
        StepUp("password", desk.now),
        StepUp("totp", desk.now, {"id": "x"}),
    ):
        refused("step_up", desk.vote, proposal, "anna", step_up=shown)
    assert not Vote.objects.exists()


def test_the_same_request_again_needs_no_second_proof(desk: Desk) -> None:
    proposal, once = desk.in_review(), key()
    desk.vote(proposal, "anna", key=once)
    assert desk.vote(proposal, "anna", key=once, step_up=None).state == "IN_REVIEW"
    assert Vote.objects.count() == 1


def test_who_came_by_a_narrow_door_votes_in_no_role_it_leaves_out(desk: Desk) -> None:
    from governance.access.roles import narrow
    from governance.models import User
    from governance.review import voting

    proposal, anna = desk.in_review(), User.objects.get(username="anna")
    narrow(anna, ["auditor"])
    shown = StepUp("totp", desk.now)
    refused(
        "no_role",
        voting.vote,
        anna,
        proposal.pk,
        "approve",
        proposal.content_hash,
        "yes",
        shown,
        key=key(),
        now=desk.now,
    )
