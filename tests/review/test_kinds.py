"""Each kind: what it refuses, and what it does once applied."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from governance.access import tokens
from governance.access.second_factor import has_factor
from governance.models import ApiToken, Proposal, ReviewPolicy, RoleGrant, User
from governance.review import drafting, previewing
from governance.review.starting_policy import starting_policy
from tests.controls.green import green
from tests.pages import stage
from tests.review.desk import CEX, DEX, RISKIER, Desk, failure, in_force, refused, state
from trading.controls.commands import Actor
from trading.controls.selectors import effective_state
from trading.controls.services import impose_lock, kill
from trading.models import Lock, ParameterSet, TradingControl

KILL = {"scope": DEX, "rule": "kill"}
HARD = {"scope": DEX, "rule": "hard_limit"}


def markets(**values: Any) -> dict[str, Any]:
    return {"markets": {DEX: values}}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (markets(spread_floor_bps="NaN"), "invalid"),
        (markets(spread_floor_bps="Infinity"), "invalid"),
        (markets(spread_floor_bps="-1"), "invalid"),
        (markets(spread_floor_bps="2001"), "invalid"),
        (markets(spread_floor_bps="4 bps"), "invalid"),
        (markets(spread_floor_bps="4,5"), "invalid"),
        (markets(spread_floor_bps=""), "invalid"),
        (markets(spread_floor_bps=None), "invalid"),
        (markets(spread_floor_bps=True), "invalid"),
        (markets(spread_floor_bps=["4"]), "invalid"),
        (markets(spread_floor_bps=4.5), "bad_change"),
        (markets(spread_floor_bps="4.000000001"), "invalid"),
        (markets(spread_floor_bps="61"), "invalid"),  # above the cap of 60
        (markets(kappa="10"), "invalid"),  # per unit of price instead of per fraction of it
        (markets(gamma="100000"), "invalid"),  # per unit of price
        (markets(q_hard_lots="1"), "invalid"),  # below the soft limit
        (markets(reject_limit="2.5"), "invalid"),
        (markets(spread_flor_bps="4"), "bad_change"),
        (markets(version="7"), "bad_change"),
        (markets(), "no_change"),
        (markets(spread_floor_bps="5.0"), "no_change"),
        ({"markets": {"dct-usdt": {"spread_floor_bps": "4"}}}, "unknown_market"),
        ({"markets": {"a\x00b": {"spread_floor_bps": "4"}}}, "unknown_market"),
        ({"markets": {DEX: {"spread_floor_bps": "4"}, "nowhere": {"beta": "0.2"}}}, "unknown_market"),
        ({"markets": {DEX: [["spread_floor_bps", "4"]]}}, "bad_change"),
        ({"markets": {DEX: {"spread_floor_bps": "4"}}, "authorised_by": "genesis"}, "bad_change"),
        ({"markets": {}}, "bad_change"),
        ({}, "bad_change"),
        ([], "bad_change"),
        (None, "bad_change"),
        ("spread_floor_bps=4", "bad_change"),
    ],
)
def test_what_cannot_be_parameters_is_refused_at_the_door(desk: Desk, change: Any, code: str) -> None:
    refused(code, desk.propose, change)
    assert not Proposal.objects.exists()


def test_a_change_cannot_land_on_another_market_than_its_door_said(desk: Desk) -> None:
    refused("wrong_subject", desk.propose, RISKIER, subject=f"parameters:{CEX}")
    assert desk.propose(RISKIER, subject=f"parameters:{DEX}").subject == f"parameters:{DEX}"


def test_only_what_differs_is_kept_in_one_spelling(desk: Desk) -> None:
    proposal = desk.propose(markets(spread_floor_bps="4.00", spread_cap_bps="60", beta="3.5E-1"))
    assert proposal.change == markets(beta="0.35", spread_floor_bps="4")


def test_an_unknown_kind_is_refused(desk: Desk) -> None:
    refused("unknown_kind", desk.propose, RISKIER, kind="everything")
    for reason in ("", "  ", "ab", "x" * 501, "a\x00bc"):
        with pytest.raises(Exception, match="reason"):
            drafting.propose(desk.people["opal"], "parameters", None, RISKIER, reason, key="k", now=desk.now)


# --- controls -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def trading_desk(desk: Desk) -> Desk:
    green(desk.now)
    return desk


def halt(desk: Desk) -> None:
    actor = Actor(str(desk.people["oscar"].pk), "oscar", frozenset({"operator"}))
    kill(DEX, actor=actor, reason="emergency", idempotency_key="halt", now=desk.now)


def test_a_kill_is_lifted_by_proposer_and_voter(trading_desk: Desk) -> None:
    desk = trading_desk
    halt(desk)
    proposal = desk.in_review(KILL, kind="control")
    assert (proposal.subject, proposal.required["quorum"]) == (f"control:{DEX}:kill", 1)
    assert desk.vote(proposal, "anna").state == "APPLIED"
    assert effective_state(DEX, desk.now)[0].name == "ACTIVE"
    control = TradingControl.objects.get(scope=DEX)
    assert (control.state, control.actor_name) == ("ACTIVE", "anna")


def test_a_lock_of_a_hard_limit_likewise(trading_desk: Desk) -> None:
    desk = trading_desk
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=desk.now)
    proposal = desk.in_review(HARD, kind="control")
    assert desk.vote(proposal, "anna").state == "APPLIED"
    assert Lock.objects.get().lifted_by == "anna"


def test_nobody_resumes_while_a_check_is_red_and_the_vote_is_not_taken(desk: Desk) -> None:
    """Nothing is known of the market yet: every check that cannot be made has failed."""
    halt(desk)
    proposal = desk.in_review(KILL, kind="control")
    refused("checks_red", desk.vote, proposal, "anna")
    assert (state(proposal), proposal.votes.count()) == ("IN_REVIEW", 0)
    green(desk.now)
    assert desk.vote(proposal, "anna").state == "APPLIED"


def test_a_control_that_changed_since_is_not_resumed(trading_desk: Desk) -> None:
    desk = trading_desk
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=desk.now)
    proposal = desk.in_review(HARD, kind="control")
    halt(desk)
    refused("stale", desk.vote, proposal, "anna")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (KILL, "nothing_to_resume"),
        (HARD, "nothing_to_resume"),
        ({"scope": "nowhere", "rule": "kill"}, "unknown_scope"),
        ({"scope": DEX, "rule": "person"}, "one_person"),
        ({"scope": DEX}, "bad_change"),
        ({"scope": DEX, "rule": 1}, "bad_change"),
        ({"scope": DEX, "rule": "kill", "state": "ACTIVE"}, "bad_change"),
        (None, "bad_change"),
    ],
)
def test_what_cannot_be_resumed(desk: Desk, change: Any, code: str) -> None:
    refused(code, desk.propose, change, kind="control")


# --- policy -------------------------------------------------------------------------------------------------------------


def slower() -> dict[str, Any]:
    return {"body": starting_policy(7200)}


def test_the_rules_change_by_the_rules_in_force(desk: Desk) -> None:
    proposal = desk.approved(slower(), "ada", "policy")
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "APPLIED"
    row = ReviewPolicy.objects.get(version=2)
    assert (row.authorised_by, row.actor_name, row.body) == (f"proposal:{proposal.pk}", "ada", starting_policy(7200))
    assert desk.propose().required["timelock_s"] == 7200


def test_looser_rules_than_the_least_are_refused(desk: Desk) -> None:
    body = copy.deepcopy(starting_policy())
    body["classes"]["increasing"]["quorum"] = 1
    refused("invalid", desk.propose, {"body": body}, "ada", "policy")
    refused("no_change", desk.propose, {"body": starting_policy()}, "ada", "policy")
    refused("bad_change", desk.propose, starting_policy(), "ada", "policy")


def test_what_was_approved_under_easier_rules_needs_the_stricter(desk: Desk) -> None:
    """The timelock became longer after the approval: an hour is not enough any more."""
    policy, proposal = desk.approved(slower(), "ada", "policy"), desk.approved()
    desk.forward(hours=1)
    desk.apply(policy)
    assert desk.apply(proposal).state == "FAILED"
    assert (failure(proposal), in_force(DEX, "spread_floor_bps")) == ("timelock", "5")


def test_a_draft_from_before_the_rules_changed_is_edited_first(desk: Desk) -> None:
    draft, policy = desk.propose(), desk.approved(slower(), "ada", "policy")
    desk.forward(hours=1)
    desk.apply(policy)
    refused("stale_policy", desk.submit, draft)
    desk.edit(draft, RISKIER)
    assert desk.submit(draft).required["timelock_s"] == 7200


# --- people -------------------------------------------------------------------------------------------------------------


def role(username: str, action: str, name: str = "approver") -> dict[str, str]:
    return {"username": username, "role": name, "action": action}


def test_a_role_is_granted_by_two_others_and_taken_at_once(desk: Desk) -> None:
    proposal = desk.applied(role("audrey", "grant"), "ada", "role_grant")
    assert proposal.risk_class == "strictest"
    grant = RoleGrant.objects.get(user__username="audrey", role="approver")
    assert grant.authorised_by == f"proposal:{proposal.pk}"
    assert Group.objects.filter(name="approver", user__username="audrey").exists()
    taken = desk.revoke("audrey", "approver")
    assert (taken.state, taken.risk_class) == ("APPLIED", "reducing")
    assert not Group.objects.filter(name="approver", user__username="audrey").exists()
    grant.refresh_from_db()
    assert (grant.revoked_at, grant.revoked_by_name) == (desk.now, "ada")


def test_nobody_votes_on_their_own_role_or_credentials(desk: Desk) -> None:
    proposal = desk.in_review(role("anna", "grant", "operator"), "ada", "role_grant")
    refused("about_you", desk.vote, proposal, "anna")
    reset = desk.in_review({"username": "ben", "what": "second_factor"}, "ada", "credentials")
    refused("about_you", desk.vote, reset, "ben")


def test_a_voter_s_password_is_reset_by_two_others(desk: Desk) -> None:
    User.objects.filter(username="cara").update(password="argon2$old", email="cara@example.com")
    desk.applied({"username": "cara", "what": "password"}, "ada", "credentials")
    assert not User.objects.get(username="cara").has_usable_password()


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("role_grant", role("nobody at all", "grant"), "unknown_person"),
        ("role_grant", role("a\x00b", "grant"), "unknown_person"),
        ("role_grant", role("audrey", "grant", "superuser"), "bad_change"),
        ("role_grant", role("audrey", "lend"), "bad_change"),
        ("role_grant", role("anna", "grant"), "no_change"),
        ("role_grant", role("audrey", "revoke"), "no_change"),
        ("role_grant", {"username": "audrey", "role": "approver"}, "bad_change"),
        ("role_grant", {"username": ["audrey"], "role": "approver", "action": "grant"}, "bad_change"),
        ("credentials", {"username": "audrey", "what": "everything"}, "bad_change"),
        ("credentials", {"username": "nobody at all", "what": "password"}, "unknown_person"),
        ("credentials", {"username": "audrey"}, "bad_change"),
    ],
)
def test_what_cannot_be_done_to_people(desk: Desk, kind: str, change: Any, code: str) -> None:
    refused(code, desk.propose, change, "ada", kind)


# --- previews -----------------------------------------------------------------------------------------------------------


def test_a_kind_with_a_preview_is_not_submitted_without_a_fresh_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(previewing.PREVIEWS, "parameters", lambda change, base, now: {"spread_bps": "4.2"})
    draft, opal = desk.propose(), desk.people["opal"]

    def preview(key: str) -> Proposal:
        return previewing.attach_preview(opal, draft.pk, key=key, now=desk.now)

    refused("no_preview", desk.submit, draft, with_preview=False)
    refused("not_yours", previewing.attach_preview, desk.people["oscar"], draft.pk, key="o", now=desk.now)
    assert preview("p1").preview_hash
    desk.forward(minutes=30, seconds=1)
    refused("stale_preview", desk.submit, draft, with_preview=False)
    preview("p2")
    desk.edit(draft, markets(spread_floor_bps="3"))
    refused("no_preview", desk.submit, draft, with_preview=False)
    preview("p3")
    assert desk.submit(draft, with_preview=False).state == "IN_REVIEW"
    refused("bad_state", preview, "p4")
    assert ParameterSet.objects.get(market__slug=DEX).version == 1


# --- tokens -------------------------------------------------------------------------------------------------------------


def token(**changes: Any) -> dict[str, Any]:
    return {"username": "audrey", "name": "export", "roles": ["auditor"], "days": "30"} | changes


def test_a_token_is_issued_by_two_others_and_waits_for_its_person(desk: Desk) -> None:
    proposal = desk.applied(token(), "ada", "token")
    assert (proposal.state, proposal.risk_class, proposal.subject) == ("APPLIED", "strictest", "token:audrey")
    row = ApiToken.objects.get()
    assert (row.person.username, row.roles, row.secret_hash) == ("audrey", ["auditor"], "")
    assert (row.authorised_by, row.expires_at - desk.now) == (f"proposal:{proposal.pk}", timedelta(days=30))
    fetched = tokens.collect(desk.people["audrey"], row.prefix, now=desk.now)
    assert tokens.authenticate(fetched.token, desk.now) == desk.people["audrey"]


def test_a_token_of_a_role_lost_meanwhile_is_not_issued(desk: Desk) -> None:
    proposal = desk.approved(token(), "ada", "token")
    desk.revoke("audrey", "auditor")
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "FAILED"
    assert (failure(proposal), ApiToken.objects.count()) == ("stale", 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (token(username="nobody at all"), "unknown_person"),
        (token(roles=["approver"]), "not_held"),
        (token(roles=["auditor", "auditor"]), "bad_roles"),
        (token(roles=[]), "bad_roles"),
        (token(roles="auditor"), "bad_change"),
        (token(roles=[1]), "bad_change"),
        (token(name=""), "bad_name"),
        (token(name="a\x00"), "bad_name"),
        (token(days="0"), "bad_expiry"),
        (token(days="367"), "bad_expiry"),
        (token(days="-1"), "bad_change"),
        (token(days="1e2"), "bad_change"),
        (token(days=30), "bad_change"),
        (token(secret="mine"), "bad_change"),
        (None, "bad_change"),
    ],
)
def test_what_can_be_no_token(desk: Desk, change: Any, code: str) -> None:
    refused(code, desk.propose, change, "ada", "token")


def test_a_second_factor_is_reset_by_two_others(desk: Desk) -> None:
    cara = stage.enrol(desk.people["cara"])
    desk.applied({"username": "cara", "what": "second_factor"}, "ada", "credentials")
    assert not has_factor(cara)


def test_a_password_of_who_has_no_address_is_not_reset(desk: Desk) -> None:
    refused("no_address", desk.propose, {"username": "cara", "what": "password"}, "ada", "credentials")
