"""Review over the API: the same services, with coded refusals and idempotency keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.access.roles import Role
from governance.models import Proposal, User, Vote
from tests.review.desk import DEX, RISKIER, SAFER, Desk, in_force, key

API = "/api/v1/review/"


@pytest.fixture
def call(door: Callable[[str], Client]) -> Callable[..., Any]:
    """Status and body of a command by somebody."""

    def send(name: str, address: str, body: object = None, *, used: str | None = None, method: str = "post") -> Any:
        headers = {"Idempotency-Key": used or key()}
        answer = getattr(door(name), method)(
            API + address, body or {}, content_type="application/json", headers=headers
        )
        return answer.status_code, answer.json()

    return send


def test_the_whole_way(desk: Desk, clock: Callable, call: Callable, code_of: Callable, door: Callable) -> None:
    status, made = call("opal", "", {"change": RISKIER, "reason": "tighter"})
    assert (status, made["state"], made["risk_class"]) == (200, "DRAFT", "increasing")
    at = f"{made['id']}/"
    assert call("opal", at + "submit/")[1]["code"] == "no_preview"
    assert call("opal", at + "preview/")[0] == 200
    assert call("opal", at + "submit/")[1]["state"] == "IN_REVIEW"
    inbox = door("anna").get(API + "inbox/").json()
    assert [one["id"] for one in inbox["to_vote"]] == [made["id"]]
    detail = door("anna").get(API + at).json()
    assert (detail["actions"], detail["may_still_vote"]) == (["vote", "comment"], ["anna", "ben", "cara"])
    assert [row["code"] for row in detail["diff"]] == ["riskier"]
    vote = {"choice": "approve", "content_hash": detail["proposal"]["content_hash"]}
    assert call("anna", at + "vote/", vote)[1]["code"] == "missing"
    assert call("opal", at + "vote/", vote | {"code": code_of("opal")})[1]["code"] == "own_proposal"
    assert call("anna", at + "vote/", vote | {"code": code_of("anna")})[1]["state"] == "IN_REVIEW"
    assert call("ben", at + "vote/", vote | {"code": code_of("ben")})[1]["state"] == "APPROVED"
    later = "2026-03-02T12:00:00Z"
    assert call("opal", at + "schedule/", {"at": later})[1]["scheduled_for"] == later
    clock(hours=4)
    desk.clockwork()
    assert in_force(DEX, "spread_floor_bps") == "4"
    story = door("audrey").get(API + at + "story/").json()
    assert [one["choice"] for one in story["votes"]] == ["approve", "approve"]
    status, back = call("opal", "rollback/", {"market": DEX, "version": 1, "reason": "worse"})
    assert (status, back["rolls_back_to"]) == (200, f"{DEX}@1")
    found = door("audrey").get(API + "?state=DRAFT").json()
    assert [one["id"] for one in found] == [back["id"]]


def test_refusals_are_coded(desk: Desk, call: Callable, code_of: Callable) -> None:
    proposal = desk.in_review()
    at = f"{proposal.pk}/"
    reason = {"reason": "not like this"}
    answers = [
        call("opal", "", {"change": {"markets": {"nowhere": {"gamma": "1"}}}, **reason}),
        call("opal", "", {"change": {"markets": {DEX: {"spread_floor_bps": 4.5}}}, **reason}),
        call("opal", "", {"change": {"markets": {DEX: {"spread_floor_bps": "NaN"}}}, **reason}),
        call("opal", "", {"change": RISKIER, "kind": "dance", **reason}),
        call("opal", "", {"change": RISKIER, "reason": ""}),
        call("opal", "", {"change": RISKIER, "apply_at_once": True, **reason}),
        call("anna", "", {"change": RISKIER, **reason}),
        call("opal", "999/withdraw/", reason),
        call("oscar", at + "withdraw/", reason),
        call("anna", at + "cancel/", reason),
        call("opal", at + "schedule/", {"at": "2026-03-02T12:00:00Z"}),
        call("anna", at + "vote/", {"choice": "approve", "content_hash": "0" * 64, "code": code_of("anna")}),
        call("anna", at + "vote/", {"choice": "maybe", "content_hash": "0" * 64}),
        call("audrey", at + "comment/", {"text": ""}),
        call("opal", "rollback/", {"market": DEX, "version": 7, **reason}),
    ]
    assert [(status, body["code"]) for status, body in answers] == [
        (404, "unknown_market"), (400, "bad_change"), (400, "invalid"), (400, "unknown_kind"), (400, "invalid"),
        (409, "needs_review"), (403, "no_role"), (404, "unknown"), (403, "not_yours"), (403, "no_role"), (409, "bad_state"),
        (409, "content_changed"), (400, "invalid"), (400, "invalid"), (404, "unknown_version"),
    ]  # fmt: skip
    assert Proposal.objects.get().state == "IN_REVIEW"


def test_one_key_one_command(desk: Desk, call: Callable, door: Callable) -> None:
    body = {"change": SAFER, "reason": "wild", "apply_at_once": True}
    first, again = call("opal", "", body, used="k1"), call("opal", "", body, used="k1")
    assert first == again
    assert Proposal.objects.count() == 1
    assert call("opal", "", body | {"reason": "other"}, used="k1")[1]["code"] == "key_used"
    bare = door("opal").post(API, body, content_type="application/json")
    assert (bare.status_code, "Idempotency-Key" in bare.json()["message"]) == (400, True)


def test_edit_comment_withdraw_cancel_and_review(desk: Desk, call: Callable, code_of: Callable) -> None:
    proposal, other = desk.in_review(), desk.in_review()
    edited = call("opal", f"{proposal.pk}/", {"change": SAFER, "reason": "safer"}, method="put")[1]
    assert (edited["revision"], edited["state"], edited["risk_class"]) == (2, "DRAFT", "reducing")
    applied = call("opal", f"{proposal.pk}/apply-at-once/")[1]
    assert (applied["state"], bool(applied["review_due_at"])) == ("APPLIED", True)
    reviewed = call("anna", f"{proposal.pk}/reviewed/", {"reason": "right so", "code": code_of("anna")})[1]
    assert reviewed["reviewed_by_name"] == "anna"
    assert call("audrey", f"{other.pk}/comment/", {"text": "why?"})[0] == 200
    assert call("gus", f"{other.pk}/cancel/", {"reason": "too near the news"})[1]["state"] == "CANCELLED"
    mine = desk.in_review({"markets": {DEX: {"spread_cap_bps": "50"}}})
    assert call("opal", f"{mine.pk}/withdraw/", {"reason": "not needed"})[1]["state"] == "WITHDRAWN"


def test_strangers_investors_and_programs_do_not_vote(desk: Desk, call: Callable, code_of: Callable) -> None:
    from governance.access.tokens import collect, issue

    proposal = desk.in_review()
    vote = {"choice": "approve", "content_hash": proposal.content_hash, "code": code_of("anna")}
    assert Client().get(API).status_code in (401, 403)
    assert call("ivy", f"{proposal.pk}/vote/", vote)[0] == 403
    row = issue(desk.people["anna"], "program", [Role.APPROVER.value], 1, authorised_by="genesis", now=desk.now)
    made = collect(desk.people["anna"], row.prefix, now=desk.now)
    headers = {"Idempotency-Key": key(), "Authorization": f"Bearer {made.token}"}
    answer = Client().post(f"{API}{proposal.pk}/vote/", vote, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "token")
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    ("kind", "change"),
    [("account", {"action": "close"}), ("role_grant", {"role": "approver", "action": "revoke"})],
)
def test_a_person_is_shut_out_by_a_person_with_their_factor_and_by_no_program(
    desk: Desk, call: Callable, code_of: Callable, kind: str, change: dict[str, str]
) -> None:
    from governance.access.tokens import collect, issue

    body = {"kind": kind, "change": {"username": "anna"} | change, "reason": "left us"}
    assert call("ada", "", body | {"apply_at_once": True})[1]["code"] == "step_up"
    at = f"{call('ada', '', body)[1]['id']}/apply-at-once/"
    status, told = call("ada", at)
    assert (status, told["code"]) == (403, "missing")
    row = issue(desk.people["ada"], "bot", [Role.ADMINISTRATOR.value], 1, authorised_by="genesis", now=desk.now)
    made = collect(desk.people["ada"], row.prefix, now=desk.now)
    headers = {"Idempotency-Key": key(), "Authorization": f"Bearer {made.token}"}
    program = Client().post(API + at, {"code": code_of("ada")}, content_type="application/json", headers=headers)
    assert (program.status_code, program.json()["code"]) == (403, "token")
    assert call("ada", at, {"code": code_of("ada")})[1]["state"] == "APPLIED"
    assert not User.objects.filter(username="anna", is_active=True, groups__name="approver").exists()
