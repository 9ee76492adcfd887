"""Two people end a kill or a lock at the doors: desk, proposal, inbox and API; the old doors are gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.models import Proposal
from tests.controls.green import green
from tests.review.desk import DEX, Desk, key
from trading.controls.commands import Actor
from trading.controls.rule_locks import impose_lock
from trading.controls.services import kill
from trading.models import Lock, TradingControl

ASK_API, VOTE = "/api/v1/controls/resume-requests/", {"choice": "approve", "reason": "I agree"}
ASK_KILL = {"scope": DEX, "reason": "it is over"}


def send(client: Client, address: str, body: object, used: str = "") -> Any:
    return client.post(address, body, content_type="application/json", headers={"Idempotency-Key": used or key()})


def control() -> tuple[str, str]:
    row = TradingControl.objects.get(scope=DEX)
    return row.state, row.authorised_by


@pytest.fixture
def killed(desk: Desk, clock: object) -> Desk:
    actor = Actor(str(desk.people["oscar"].pk), "oscar", frozenset({"operator"}))
    kill(DEX, actor=actor, reason="emergency", idempotency_key="kill", now=desk.now)
    return desk


def test_two_people_by_page(desk: Desk, door: Callable[[str], Client], code_of: Callable[[str], str]) -> None:
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=desk.now)
    opal, anna, ask = door("opal"), door("anna"), f"/desk/resume/{DEX}/hard_limit/"
    assert ask in opal.get("/desk/").content.decode()
    assert opal.get(f"/desk/controls/{DEX}/?state=ACTIVE").headers["Location"] == ask, (
        "the button to resume leads there"
    )
    assert ask not in anna.get("/desk/").content.decode()
    assert anna.get(ask).status_code == 403
    assert opal.post(ask, {"reason": "", "idempotency_key": "a1"}).status_code == 422
    nothing = opal.post(f"/desk/resume/{DEX}/kill/", {"reason": "it is over", "idempotency_key": "a0"})
    assert (nothing.status_code, "Nothing of that rule stands" in nothing.content.decode()) == (422, True)
    asked = opal.post(ask, {"reason": "back inside", "idempotency_key": "a1"}, follow=True)
    proposal = Proposal.objects.get()
    at = f"/desk/review/{proposal.pk}/"
    assert (asked.redirect_chain[-1][0], "Asked:" in asked.content.decode()) == (at, True)
    for page in ("/desk/", "/desk/review/"):
        assert at in anna.get(page).content.decode()
    assert ask not in opal.get("/desk/").content.decode(), "it is asked already"
    again = door("oscar").post(ask, {"reason": "me too", "idempotency_key": "b1"})
    assert (again.status_code, "has already asked" in again.content.decode()) == (422, True)
    assert "back inside" in anna.get(at).content.decode()
    vote = VOTE | {"content_hash": proposal.content_hash, "idempotency_key": "v1"}
    green(desk.now)
    unproved = anna.post(f"{at}vote/", vote)
    assert (unproved.status_code, Lock.objects.get().lifted_at) == (422, None)
    code = code_of("anna")
    green(desk.now)
    assert door("anna").post(f"{at}vote/", vote | {"code": code}).status_code == 302
    assert Lock.objects.get().authorised_by == f"proposal:{proposal.pk}"
    assert "Needs two people" not in anna.get("/desk/").content.decode()


def test_two_people_by_api(killed: Desk, door: Callable[[str], Client], code_of: Callable[[str], str]) -> None:
    opal = door("opal")
    assert send(door("anna"), ASK_API, ASK_KILL).json()["code"] == "no_role"
    asked = send(opal, ASK_API, ASK_KILL, "a1").json()
    assert (asked["state"], asked["change"]) == ("IN_REVIEW", {"scope": DEX, "rule": "kill"})
    assert send(opal, ASK_API, ASK_KILL, "a1").json()["id"] == asked["id"], "a double click asks once"
    assert send(opal, ASK_API, ASK_KILL).json()["code"] == "already_asked"
    (waiting,) = door("anna").get(ASK_API).json()
    assert (waiting["id"], waiting["proposer_name"]) == (asked["id"], "opal")
    at, body = f"/api/v1/review/{asked['id']}/vote/", VOTE | {"content_hash": asked["content_hash"]}
    green(killed.now)
    assert send(door("anna"), at, body).json()["code"] == "missing"
    code = code_of("opal")
    green(killed.now)
    assert send(door("opal"), at, body | {"code": code}).json()["code"] == "own_proposal"
    assert control() == ("HALTED", "")
    code = code_of("anna")
    green(killed.now)
    assert send(door("anna"), at, body | {"code": code}, "v1").json()["state"] == "APPLIED"
    assert control() == ("ACTIVE", f"proposal:{asked['id']}")
    assert send(door("anna"), at, body | {"code": code}, "v1").json()["state"] == "APPLIED", "sent twice, done once"
    assert door("anna").get(ASK_API).json() == []


def test_the_old_doors_are_gone(killed: Desk, door: Callable[[str], Client]) -> None:
    asked = send(door("opal"), ASK_API, ASK_KILL).json()["id"]
    anna = door("anna")
    assert anna.get(f"/desk/requests/{asked}/").status_code == 404
    old = {"decision": "confirm", "reason": "I agree", "code": "000000"}
    assert send(anna, f"{ASK_API}{asked}/decision/", old).status_code == 404
    assert control() == ("HALTED", "")
