"""Making it safer: at once, by one person, and looked at within a day; and steps that add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.desk.commands import StateChange, change_state
from governance.models import Proposal, Vote
from tests.review.desk import CEX, DEX, RISKIER, SAFER, SMALL, T0, Desk, in_force, refused, state
from trading.controls.services import ControlRefused
from trading.models import Event, ParameterSet


def test_one_operator_makes_it_safer_at_once(desk: Desk) -> None:
    proposal = desk.propose(SAFER, apply_at_once=True)
    assert (proposal.state, proposal.risk_class, proposal.applied_by_name) == ("APPLIED", "reducing", "opal")
    assert (proposal.applied_at, proposal.review_due_at) == (T0, T0 + timedelta(hours=24))
    assert in_force(DEX, "spread_floor_bps") == "6"
    assert ParameterSet.objects.get(market__slug=DEX).authorised_by == f"proposal:{proposal.pk}"


@pytest.mark.parametrize(
    "change",
    [RISKIER, SMALL, {"markets": {DEX: {"spread_floor_bps": "6", "order_size_lots": "2"}}}],
)
def test_nothing_else_is_done_at_once(desk: Desk, change: dict[str, object]) -> None:
    refused("needs_review", desk.propose, change, apply_at_once=True)
    assert not Proposal.objects.exists()
    refused("needs_review", desk.apply_at_once, desk.propose(change))
    assert ParameterSet.objects.get(market__slug=DEX).version == 1


def test_a_draft_that_became_riskier_is_not_applied_at_once(desk: Desk) -> None:
    draft = desk.propose({"markets": {DEX: {"spread_floor_bps": "6"}}})
    desk.propose({"markets": {DEX: {"spread_floor_bps": "7"}}}, apply_at_once=True)
    refused("needs_review", desk.apply_at_once, draft)
    assert in_force(DEX, "spread_floor_bps") == "7"


def test_another_person_looks_at_it(desk: Desk) -> None:
    proposal = desk.propose(SAFER, apply_at_once=True)
    refused("own_proposal", desk.review, proposal, "opal")
    refused("no_role", desk.review, proposal, "oscar")
    done = desk.review(proposal)
    assert (done.state, done.reviewed_at, done.reviewed_by_name) == ("APPLIED", T0, "anna")
    assert Vote.objects.get().choice == "reviewed"
    refused("bad_state", desk.review, proposal, "ben")


def test_while_a_review_is_overdue_nothing_of_that_market_is_loosened(desk: Desk) -> None:
    approved = desk.approved({"markets": {CEX: {"spread_floor_bps": "7"}}})
    waiting = desk.in_review({"markets": {DEX: {"order_size_lots": "2"}}})
    draft = desk.propose({"markets": {DEX: {"spread_cap_bps": "50"}}})
    proposal = desk.propose({"markets": {CEX: {"toxicity_bps": "1"}, DEX: {"toxicity_bps": "1"}}}, apply_at_once=True)
    assert proposal.risk_class == "reducing"
    desk.edit(draft, {"markets": {DEX: {"spread_cap_bps": "50"}}})
    desk.edit(waiting, {"markets": {DEX: {"order_size_lots": "2"}}})
    desk.submit(waiting)
    desk.forward(hours=24)
    desk.clockwork()
    desk.clockwork()
    assert Event.objects.filter(type="proposal.review_overdue").count() == 1
    refused("review_overdue", desk.submit, draft)
    refused("review_overdue", desk.vote, waiting, "anna")
    assert desk.vote(waiting, "ben", "request_changes").state == "CHANGES_REQUESTED", "a no is always heard"
    refused("review_overdue", desk.apply, approved)
    assert state(approved) == "APPROVED"
    # Safer still goes at once.
    assert desk.propose(SAFER, apply_at_once=True).state == "APPLIED"
    desk.review(proposal, "cara")
    desk.edit(draft, {"markets": {DEX: {"spread_cap_bps": "50"}}})
    assert desk.submit(draft).state == "IN_REVIEW"


def test_small_steps_do_not_add_up_unseen(desk: Desk) -> None:
    """Five per cent and five per cent within a week is more than five per cent."""
    desk.forward(days=7)
    first = desk.in_review({"markets": {DEX: {"horizon_s": "125"}}})
    assert (first.risk_class, desk.vote(first, "anna").state) == ("neutral", "APPLIED")
    second = desk.propose({"markets": {DEX: {"horizon_s": "130"}}})
    assert (second.risk_class, second.risk_reasons) == ("increasing", [f"{DEX}:horizon_s:drift"])
    desk.forward(days=7)
    third = desk.propose({"markets": {DEX: {"horizon_s": "130"}}})
    assert (third.risk_class, third.risk_reasons) == ("neutral", [f"{DEX}:horizon_s:small_change"])


def test_two_small_steps_side_by_side_do_not_both_pass(desk: Desk) -> None:
    """Once one is applied the other starts from what is no longer in force."""
    one, other = desk.in_review(SMALL), desk.in_review({"markets": {DEX: {"horizon_s": "116"}}})
    desk.vote(one, "anna")
    refused("stale", desk.vote, other, "anna")


def test_while_a_review_is_overdue_one_person_does_not_resume_either(desk: Desk) -> None:
    desk.at(datetime.now(UTC) - timedelta(hours=25))
    pause = StateChange(DEX, "PAUSED", "quiet", "p1")
    change_state(desk.people["opal"], pause)
    desk.propose(SAFER, apply_at_once=True)
    with pytest.raises(ControlRefused) as refusal:
        change_state(desk.people["opal"], StateChange(DEX, "ACTIVE", "on again", "p2"))
    assert refusal.value.code == "review_overdue"
    assert change_state(desk.people["opal"], StateChange(DEX, "HALTED", "worse", "p3")).state == "HALTED"
