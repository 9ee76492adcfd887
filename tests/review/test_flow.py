"""The way of a proposal, and what stops it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.access.roles import Role
from governance.models import Proposal, ProposalTransition, User, Vote
from governance.review.step_up import StepUp
from tests.review.desk import (
    CEX,
    DEX,
    RISKIER,
    SAFER,
    SMALL,
    T0,
    Desk,
    failure,
    force_version,
    in_force,
    key,
    refused,
    state,
    tamper,
)
from trading.models import CommandReceipt, Event, Market, ParameterSet
from trading.registry.services import declare_demo_desk


def test_two_others_and_an_hour_lower_a_floor(desk: Desk) -> None:
    proposal = desk.propose()
    assert (proposal.state, proposal.risk_class) == ("DRAFT", "increasing")
    assert proposal.change == {"markets": {DEX: {"spread_floor_bps": "4"}}}
    assert proposal.base[DEX]["version"] == 1
    assert proposal.required == {
        "class": "increasing", "quorum": 2, "roles": ["approver"], "timelock_s": 3600, "valid_s": 86400,
    }  # fmt: skip
    desk.submit(proposal)
    assert desk.vote(proposal, "anna").state == "IN_REVIEW"
    approved = desk.vote(proposal, "ben")
    assert (approved.state, approved.decided_at) == ("APPROVED", T0)
    assert (approved.not_before, approved.valid_until) == (T0 + timedelta(hours=1), T0 + timedelta(hours=25))
    assert in_force(DEX, "spread_floor_bps") == "5"
    desk.forward(hours=1)
    desk.clockwork()
    row = ParameterSet.objects.get(market__slug=DEX)
    assert (in_force(DEX, "spread_floor_bps"), row.version, row.authorised_by) == ("4", 2, f"proposal:{proposal.pk}")
    assert (row.actor_name, row.reason) == ("opal", "tighter book")
    steps = ProposalTransition.objects.filter(proposal=proposal).order_by("pk")
    assert list(steps.values_list("action", "from_state", "to_state", "actor_name")) == [
        ("make", "", "DRAFT", "opal"),
        ("submit", "DRAFT", "IN_REVIEW", "opal"),
        ("approve", "IN_REVIEW", "APPROVED", "ben"),
        ("apply", "APPROVED", "APPLIED", "system"),
    ]
    told = Event.objects.filter(aggregate=f"proposal:{proposal.pk}").order_by("aggregate_seq")
    assert list(told.values_list("type", flat=True)) == [
        "proposal.made", "proposal.submitted", "proposal.voted", "proposal.voted", "proposal.approved", "proposal.applied",
    ]  # fmt: skip


def test_one_other_approves_a_small_step_which_takes_effect_at_once(desk: Desk) -> None:
    proposal = desk.in_review(SMALL)
    assert (proposal.risk_class, proposal.required["quorum"]) == ("neutral", 1)
    assert desk.vote(proposal, "anna").state == "APPLIED"
    assert in_force(DEX, "horizon_s") == "124"


def test_never_before_its_time(desk: Desk) -> None:
    proposal = desk.approved()
    desk.forward(seconds=3599, microseconds=999_999)
    desk.clockwork()
    refused("too_early", desk.apply, proposal)
    assert (state(proposal), in_force(DEX, "spread_floor_bps")) == ("APPROVED", "5")
    desk.forward(microseconds=1)
    assert desk.apply(proposal).state == "APPLIED"


def test_a_clock_that_jumps_back_applies_nothing(desk: Desk) -> None:
    proposal = desk.approved()
    desk.forward(days=-3)
    desk.clockwork()
    assert state(proposal) == "APPROVED"


def test_a_change_that_waits_for_its_time_is_valid_from_then_on(desk: Desk) -> None:
    proposal = desk.submit(desk.propose(scheduled_for=T0 + timedelta(days=3)))
    desk.vote(proposal, "anna")
    approved = desk.vote(proposal, "ben")
    assert (approved.state, approved.not_before, approved.valid_until) == (
        "APPROVED", T0 + timedelta(days=3), T0 + timedelta(days=4),
    )  # fmt: skip
    desk.forward(days=2, hours=23)
    refused("too_early", desk.apply, proposal)
    desk.forward(hours=1)
    desk.clockwork()
    assert (state(proposal), failure(proposal)) == ("APPLIED", "")


def test_a_scheduled_change_waits_longer_but_not_shorter(desk: Desk) -> None:
    proposal = desk.approved()
    refused("bad_time", desk.schedule, proposal, T0 + timedelta(minutes=59))
    refused("bad_time", desk.schedule, proposal, T0 + timedelta(hours=25))
    refused("not_yours", desk.schedule, proposal, T0 + timedelta(hours=5), "oscar")
    desk.schedule(proposal, T0 + timedelta(hours=5))
    desk.forward(hours=4)
    desk.clockwork()
    refused("too_early", desk.apply, proposal)
    desk.forward(hours=1)
    desk.clockwork()
    assert state(proposal) == "APPLIED"


def test_what_is_not_applied_in_time_expires(desk: Desk) -> None:
    proposal = desk.approved()
    desk.forward(hours=25)
    assert desk.apply(proposal).state == "EXPIRED"
    assert in_force(DEX, "spread_floor_bps") == "5"


def test_what_is_not_decided_in_time_expires(desk: Desk) -> None:
    proposal, asked = desk.in_review(), desk.in_review({"markets": {CEX: {"spread_floor_bps": "7"}}})
    desk.vote(asked, "anna", "request_changes")
    desk.forward(days=14)
    refused("expired", desk.vote, proposal, "anna")
    desk.clockwork()
    assert (state(proposal), state(asked)) == ("EXPIRED", "EXPIRED")
    assert Event.objects.filter(type="proposal.expired").count() == 2


def test_a_base_that_moved_stops_it(desk: Desk) -> None:
    waiting = desk.in_review()
    proposal = desk.approved({"markets": {DEX: {"order_size_lots": "2"}}})
    force_version(DEX, {"spread_cap_bps": "55"}, desk.now)
    refused("stale", desk.vote, waiting, "anna")
    desk.forward(hours=1)
    desk.clockwork()
    assert (state(proposal), failure(proposal)) == ("FAILED", "stale")
    assert ParameterSet.objects.get(market__slug=DEX).version == 2
    assert Event.objects.get(type="proposal.failed").payload["reason"].startswith("stale: ")


def test_an_edit_voids_votes_and_needs_new_ones(desk: Desk) -> None:
    proposal = desk.in_review()
    looked_at = proposal.content_hash
    desk.vote(proposal, "anna")
    edited = desk.edit(proposal, {"markets": {DEX: {"spread_floor_bps": "3"}}})
    assert (edited.state, edited.revision) == ("DRAFT", 2) and edited.content_hash != looked_at
    desk.submit(proposal)
    refused("content_changed", desk.vote, proposal, "ben", content_hash=looked_at)
    assert desk.vote(proposal, "ben").state == "IN_REVIEW", "Anna's vote was about other content"
    assert desk.vote(proposal, "anna").state == "APPROVED"
    assert Vote.objects.filter(proposal=proposal).count() == 3


def test_content_that_is_not_what_its_hash_says_is_not_applied(desk: Desk) -> None:
    proposal = desk.approved()
    is_written = tamper(proposal, change={"markets": {DEX: {"spread_floor_bps": "1"}}})
    desk.forward(hours=1)
    assert desk.apply(proposal).state == ("FAILED" if is_written else "APPLIED")
    assert in_force(DEX, "spread_floor_bps") == ("5" if is_written else "4")


def test_a_newer_one_takes_the_place_of_its_own(desk: Desk) -> None:
    old = desk.approved()
    refused("not_yours", desk.propose, {"markets": {DEX: {"spread_floor_bps": "3"}}}, "oscar", replaces=old.pk)
    new = desk.propose({"markets": {DEX: {"spread_floor_bps": "3"}}}, replaces=old.pk)
    old.refresh_from_db()
    assert (old.state, old.superseded_by_id) == ("SUPERSEDED", new.pk)
    desk.forward(hours=1)
    refused("bad_state", desk.apply, old)


def test_the_guardian_stops_what_was_approved(desk: Desk) -> None:
    proposal = desk.approved()
    desk.cancel(proposal)
    desk.forward(hours=1)
    desk.clockwork()
    assert (state(proposal), in_force(DEX, "spread_floor_bps")) == ("CANCELLED", "5")


@pytest.mark.parametrize(("choice", "ends"), [("reject", "REJECTED"), ("request_changes", "CHANGES_REQUESTED")])
def test_one_no_is_enough(desk: Desk, choice: str, ends: str) -> None:
    proposal = desk.in_review()
    desk.vote(proposal, "anna")
    assert desk.vote(proposal, "ben", choice).state == ends
    refused("bad_state", desk.vote, proposal, "cara")


def test_nobody_votes_twice(desk: Desk) -> None:
    proposal = desk.in_review()
    desk.vote(proposal, "anna")
    refused("already_voted", desk.vote, proposal, "anna")
    refused("already_voted", desk.vote, proposal, "anna", "reject")


@pytest.mark.parametrize(
    "shown",
    [
        None,
        StepUp("totp", T0 - timedelta(minutes=6)),
        StepUp("totp", T0 + timedelta(seconds=1)),
        StepUp("webauthn", T0),
        StepUp("word of honour", T0),
    ],
)
def test_a_vote_needs_a_fresh_second_look_at_who_votes(desk: Desk, shown: StepUp | None) -> None:
    proposal = desk.in_review()
    refused("step_up", desk.vote, proposal, "anna", step_up=shown)
    assert not Vote.objects.exists()


def test_a_double_click_does_it_once(desk: Desk) -> None:
    again = key()
    first, second = desk.propose(key=again), desk.propose(key=again)
    assert first.pk == second.pk and Proposal.objects.count() == 1
    refused("key_used", desk.propose, SAFER, key=again)
    desk.submit(first)
    again = key()
    desk.vote(first, "anna", key=again)
    assert desk.vote(first, "anna", key=again).state == "IN_REVIEW"
    assert Vote.objects.count() == 1
    refused("key_used", desk.vote, first, "anna", "reject", key=again)
    for bad in ("", "x" * 81, "a\x00b"):
        refused("bad_key", desk.propose, key=bad)


def test_a_refusal_leaves_nothing_behind(desk: Desk) -> None:
    before = (Event.objects.count(), CommandReceipt.objects.count())
    refused("no_role", desk.propose, RISKIER, "audrey")
    assert (Event.objects.count(), CommandReceipt.objects.count()) == before
    assert not Proposal.objects.exists() and not ProposalTransition.objects.exists()


def test_several_markets_change_together_or_not_at_all(desk: Desk) -> None:
    both = {"markets": {CEX: {"spread_floor_bps": "7"}, DEX: {"spread_floor_bps": "4"}}}
    proposal = desk.propose(both)
    assert proposal.subject == f"parameters:{DEX},{CEX}"
    desk.submit(proposal)
    desk.vote(proposal, "anna")
    desk.vote(proposal, "ben")
    force_version(CEX, {"spread_cap_bps": "55"}, desk.now)
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "FAILED"
    assert in_force(DEX, "spread_floor_bps") == "5"
    assert desk.applied(both).state == "APPLIED"
    assert (in_force(DEX, "spread_floor_bps"), in_force(CEX, "spread_floor_bps")) == ("4", "7")


def test_one_market_that_cannot_take_it_takes_the_other_back(desk: Desk) -> None:
    """The first market is written, the second refused: nothing of either stays."""
    proposal = desk.approved({"markets": {DEX: {"spread_floor_bps": "4"}, CEX: {"spread_floor_bps": "7"}}})
    Market.objects.filter(slug=CEX).update(is_active=False)
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "FAILED"
    assert (failure(proposal), in_force(DEX, "spread_floor_bps")) == ("unknown_market", "5")
    assert ParameterSet.objects.get(market__slug=DEX).version == 1


def test_without_a_policy_nothing_moves(db: None, redis_url: str) -> None:
    desk = Desk()
    declare_demo_desk(T0)
    desk.person("opal", Role.OPERATOR)
    refused("no_policy", desk.propose)


def test_a_superuser_is_nobody(desk: Desk) -> None:
    root = desk.person("root")
    User.objects.filter(pk=root.pk).update(is_superuser=True, is_staff=True)
    proposal = desk.in_review()
    refused("no_role", desk.vote, proposal, "root")
    refused("no_role", desk.propose, RISKIER, "root")
    refused("no_role", desk.cancel, proposal, "root")
