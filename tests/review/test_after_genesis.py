"""With genesis closed, as in every desk that trades: each kind goes its whole way, past whatever the database asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group

from governance.models import ReviewPolicy, User
from governance.review.starting_policy import starting_policy
from tests.controls.green import green
from tests.review.clock import owner
from tests.review.desk import CEX, DEX, RISKIER, SAFER, SMALL, Desk, failure, in_force, state
from trading.controls.commands import Actor
from trading.controls.services import kill
from trading.models import TradingControl


@pytest.fixture
def closed(committed_desk: Desk) -> Iterator[Desk]:
    """Committed, so that what the database checks at the end of a transaction is checked as well."""
    with owner() as connection:
        connection.execute("UPDATE governance_genesis SET is_open = false")
    yield committed_desk


def test_parameters(closed: Desk) -> None:
    both = {"markets": {DEX: {"spread_floor_bps": "4"}, CEX: {"spread_floor_bps": "7"}}}
    proposal = closed.approved(both)
    closed.forward(minutes=59)
    closed.clockwork()
    assert state(proposal) == "APPROVED"
    closed.forward(minutes=1)
    closed.clockwork()
    assert (state(proposal), failure(proposal)) == ("APPLIED", "")
    assert closed.propose(SAFER, apply_at_once=True).state == "APPLIED"
    small = closed.in_review(SMALL)
    assert closed.vote(small, "anna").state == "APPLIED"
    back = closed.roll_back(DEX, 1)
    closed.submit(back)
    for name in ("anna", "ben"):
        closed.vote(back, name)
    closed.forward(hours=1)
    closed.clockwork()
    assert (state(back), in_force(DEX, "spread_floor_bps"), in_force(DEX, "horizon_s")) == ("APPLIED", "5", "120")
    assert closed.edit(closed.in_review(RISKIER), SAFER).revision == 2


def test_the_end_of_every_way(closed: Desk) -> None:
    ends = {
        name: closed.in_review() for name in ("reject", "request_changes", "withdraw", "cancel", "expire", "supersede")
    }
    closed.vote(ends["reject"], "anna", "reject")
    closed.vote(ends["request_changes"], "anna", "request_changes")
    closed.withdraw(ends["withdraw"])
    closed.cancel(ends["cancel"])
    closed.propose(SAFER, replaces=ends["supersede"].pk)
    reduced = closed.propose({"markets": {CEX: {"spread_floor_bps": "9"}}}, apply_at_once=True)
    assert closed.review(reduced).reviewed_by_name == "anna"
    closed.forward(days=14)
    closed.clockwork()
    assert {name: state(proposal) for name, proposal in ends.items()} == {
        "reject": "REJECTED", "request_changes": "EXPIRED", "withdraw": "WITHDRAWN", "cancel": "CANCELLED", "expire": "EXPIRED",
        "supersede": "SUPERSEDED",
    }  # fmt: skip


def test_policy_and_people(closed: Desk) -> None:
    granted = closed.applied({"username": "audrey", "role": "approver", "action": "grant"}, "ada", "role_grant")
    assert (granted.state, granted.failure) == ("APPLIED", "")
    assert closed.revoke("audrey", "approver").state == "APPLIED"
    assert not Group.objects.filter(name="approver", user__username="audrey").exists()
    User.objects.filter(username="cara").update(email="cara@example.com")
    reset = closed.applied({"username": "cara", "what": "password"}, "ada", "credentials")
    assert (reset.state, reset.failure) == ("APPLIED", "")
    assert closed.close("cara").state == "APPLIED"
    assert not User.objects.get(username="cara").is_active
    opened = closed.applied({"username": "cara", "what": "open"}, "ada", "credentials")
    assert (opened.state, opened.failure) == ("APPLIED", "")
    assert User.objects.get(username="cara").is_active
    rules = closed.applied({"body": starting_policy(7200)}, "ada", "policy")
    assert (rules.state, rules.failure, ReviewPolicy.objects.count()) == ("APPLIED", "", 2)


def test_a_kill(closed: Desk) -> None:
    oscar = Actor(str(closed.people["oscar"].pk), "oscar", frozenset({"operator"}))
    kill(DEX, actor=oscar, reason="emergency", idempotency_key="halt", now=closed.now)
    green(closed.now)
    proposal = closed.in_review({"scope": DEX, "rule": "kill"}, kind="control")
    assert closed.vote(proposal, "anna").state == "APPLIED"
    assert TradingControl.objects.get(scope=DEX).state == "ACTIVE"
