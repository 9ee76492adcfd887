"""Several people and workers at the same moment, on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

from governance.models import Proposal, ProposalTransition, User, Vote
from governance.review import applying, clockwork, drafting, voting
from governance.review.errors import ReviewRefused
from governance.review.step_up import StepUp
from tests.review.desk import CEX, DEX, RISKIER, SMALL, Desk, in_force, state
from trading.models import Event, ParameterSet


def together(*calls: Callable[[], object]) -> list[str]:
    """Run all at once; for each what came of it: "done", or the code of its refusal."""
    start = threading.Barrier(len(calls))
    outcomes = [""] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        try:
            start.wait(30)
            call()
            outcomes[number] = "done"
        except ReviewRefused as refused:
            outcomes[number] = refused.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def voter(desk: Desk, proposal: Proposal, name: str, key: str, choice: str = "approve") -> Callable[[], object]:
    person, shown = User.objects.get(username=name), StepUp("totp", desk.now)

    def call() -> object:
        return voting.vote(person, proposal.pk, choice, proposal.content_hash, "yes", shown, key=key, now=desk.now)

    return call


def test_two_approvers_at_once_approve_once(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.in_review()
    done = together(voter(desk, proposal, "anna", "k-anna"), voter(desk, proposal, "ben", "k-ben"))
    assert done == ["done", "done"]
    assert state(proposal) == "APPROVED"
    assert ProposalTransition.objects.filter(proposal=proposal, action="approve").count() == 1
    assert Event.objects.filter(type="proposal.approved").count() == 1


def test_one_approver_twice_at_once_votes_once(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.in_review()
    same_click = together(*(voter(desk, proposal, "anna", "one-key") for _ in range(3)))
    assert same_click == ["done", "done", "done"]
    two_clicks = together(voter(desk, proposal, "anna", "other-1"), voter(desk, proposal, "anna", "other-2"))
    assert two_clicks == ["already_voted", "already_voted"]
    assert (Vote.objects.count(), state(proposal)) == (1, "IN_REVIEW")


def test_approve_and_reject_at_once_come_one_after_the_other(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.in_review(SMALL)
    done = together(voter(desk, proposal, "anna", "k1"), voter(desk, proposal, "ben", "k2", "reject"))
    assert sorted(done) == ["bad_state", "done"]
    assert state(proposal) in ("APPLIED", "REJECTED")
    assert Vote.objects.count() == 1


def test_a_double_click_makes_one_proposal(committed_desk: Desk) -> None:
    desk = committed_desk
    opal = desk.people["opal"]

    def click() -> object:
        return drafting.propose(opal, "parameters", None, RISKIER, "tighter book", key="click", now=desk.now)

    assert together(click, click, click) == ["done", "done", "done"]
    assert Proposal.objects.count() == 1


def test_two_workers_apply_once(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.approved()
    desk.forward(hours=1)
    done = together(*(lambda: applying.apply(proposal.pk, now=desk.now) for _ in range(3)))
    assert sorted(done) == ["bad_state", "bad_state", "done"]
    assert (ParameterSet.objects.get(market__slug=DEX).version, in_force(DEX, "spread_floor_bps")) == (2, "4")


def test_two_approved_changes_of_one_market_at_once_apply_one_and_fail_the_other(committed_desk: Desk) -> None:
    desk = committed_desk
    one = desk.approved({"markets": {DEX: {"spread_floor_bps": "4"}, CEX: {"beta": "0.5"}}})
    other = desk.approved({"markets": {CEX: {"beta": "0.6"}, DEX: {"spread_floor_bps": "3"}}}, "oscar")
    desk.forward(hours=1)
    done = together(*(lambda pk=pk: applying.apply(pk, now=desk.now) for pk in (one.pk, other.pk)))
    assert done == ["done", "done"]
    assert sorted([state(one), state(other)]) == ["APPLIED", "FAILED"]
    versions = ParameterSet.objects.filter(market__slug__in=(DEX, CEX)).values_list("version", flat=True)
    assert list(versions) == [2, 2]


def test_an_edit_and_a_vote_at_once_never_approve_what_was_not_read(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.in_review(SMALL)
    opal = desk.people["opal"]

    def edit() -> object:
        return drafting.edit(opal, proposal.pk, RISKIER, "other", key="edit", now=desk.now)

    done = together(voter(desk, proposal, "anna", "k1"), edit)
    # Either the vote came first and applied what was read, or the edit did and the vote found a draft.
    assert (done, state(proposal)) in ((["done", "bad_state"], "APPLIED"), (["bad_state", "done"], "DRAFT"))
    assert in_force(DEX, "spread_floor_bps") == "5"


def test_closing_an_account_and_applying_at_once(committed_desk: Desk) -> None:
    """Whichever is first: a version is never made by a vote of somebody whose account was closed before."""
    desk = committed_desk
    proposal = desk.approved()
    desk.forward(hours=1)

    def close() -> object:
        return User.objects.filter(username="anna").update(is_active=False)

    assert together(close, lambda: clockwork.apply_due(desk.now)) == ["done", "done"]
    assert state(proposal) in ("APPLIED", "FAILED")
    assert (in_force(DEX, "spread_floor_bps") == "4") is (state(proposal) == "APPLIED")


def test_an_end_and_a_step_forward_at_once_leave_one_of_the_two(committed_desk: Desk) -> None:
    """Taken back while the last vote comes, cancelled while the clockwork applies: never both, never half."""
    desk = committed_desk
    small, due = desk.in_review(SMALL), desk.approved({"markets": {CEX: {"beta": "0.5"}}})
    opal, gus = desk.people["opal"], desk.people["gus"]
    desk.forward(hours=1)
    done = together(
        voter(desk, small, "anna", "k1"),
        lambda: drafting.withdraw(opal, small.pk, "not needed", key="k2", now=desk.now),
        lambda: applying.apply(due.pk, now=desk.now),
        lambda: applying.cancel(gus, due.pk, "must not be", key="k3", now=desk.now),
    )
    ends = {
        state(small): (done[:2], in_force(DEX, "horizon_s")),
        state(due): (done[2:], in_force(CEX, "beta") == "0.5"),
    }
    right = {
        "APPLIED": ((["done", "bad_state"], "124"), (["done", "bad_state"], True)),
        # Also after the vote approved it, before it was applied.
        "WITHDRAWN": ((["bad_state", "done"], "120"), (["done", "done"], "120")),
        "CANCELLED": ((["bad_state", "done"], False),),
    }
    assert [came for at, came in ends.items() if came not in right[at]] == []


def test_one_key_is_no_vote_of_two_people(committed_desk: Desk) -> None:
    desk = committed_desk
    proposal = desk.in_review()
    done = together(voter(desk, proposal, "anna", "shared"), voter(desk, proposal, "ben", "shared"))
    assert sorted(done) == ["done", "key_used"]
    assert (Vote.objects.count(), state(proposal)) == (1, "IN_REVIEW")
