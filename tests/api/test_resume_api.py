"""Two people at the doors: pages and API, and the ways round them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from governance.access.roles import Role
from tests.controls.green import green
from tests.pages import stage
from trading.controls.rule_locks import impose_lock
from trading.models import Lock, ResumeRequest, TradingControl
from trading.risk.states import TradingState

ADDRESS = "/api/v1/controls/resume-requests/"
ASK = {"scope": stage.DEX, "reason": "it is over"}
YES = {"decision": "confirm", "reason": "I agree"}


def _as(name: str, *roles: Role, is_superuser: bool = False) -> Client:
    client = Client()
    stage.sign_in(client, stage.enrol(stage.person(name, *roles, is_superuser=is_superuser)))
    return client


def _yes(name: str) -> dict[str, str]:
    """A confirmation with a fresh code of the person's app."""
    return YES | {"code": stage.next_code(stage.User.objects.get(username=name))}


def _send(client: Client, address: str, body: object, key: str) -> object:
    return client.post(address, body, content_type="application/json", headers={"Idempotency-Key": key})


@pytest.fixture
def killed(operator: Client) -> Client:
    """The operator, who has killed a market whose checks are all green."""
    green(datetime.now(UTC))
    kill = {"scope": stage.DEX, "state": "HALTED", "reason": "emergency"}
    assert _send(operator, "/api/v1/controls/", kill, "kill").status_code == 200
    return operator


def test_two_people_by_api(killed: Client) -> None:
    asked = _send(killed, ADDRESS, ASK, "a1").json()
    assert (asked["outcome"], asked["state"], asked["rule"]) == ("PENDING", "HALTED", "kill")
    approver = _as("approver", Role.APPROVER)
    (waiting,) = approver.get(ADDRESS).json()
    assert (waiting["id"], waiting["asked_by_name"]) == (asked["request"], "operator")
    refused = _send(approver, f"{ADDRESS}{asked['request']}/decision/", YES, "c1")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor")
    yes = _yes("approver")
    done = _send(approver, f"{ADDRESS}{asked['request']}/decision/", yes, "c1").json()
    assert (done["outcome"], done["state"], done["repeated"]) == ("CONFIRMED", "ACTIVE", False)
    # The same again, as a double click sends it: the used code does not matter, for nothing is done.
    assert _send(approver, f"{ADDRESS}{asked['request']}/decision/", yes, "c1").json()["repeated"]


def test_the_ways_round_are_closed(killed: Client) -> None:
    both = _as("both", Role.OPERATOR, Role.APPROVER)
    request = _send(both, ADDRESS, ASK, "a1").json()["request"]
    address = f"{ADDRESS}{request}/decision/"
    approver, root = _as("approver", Role.APPROVER), _as("root", is_superuser=True)
    auditor_root = _as("auditing-root", Role.AUDITOR, is_superuser=True)
    answers = [
        _send(both, address, _yes("both"), "c1"),
        _send(killed, address, YES, "c2"),
        _send(root, address, YES, "c3"),
        _send(auditor_root, address, YES, "c4"),
        _send(approver, ADDRESS, ASK, "c5"),
        _send(approver, f"{ADDRESS}999/decision/", _yes("approver"), "c6"),
        _send(approver, address, YES | {"decision": "maybe"}, "c7"),
        _send(approver, address, YES, "a1"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "same_person"), (403, "not_approver"), (403, "permission_denied"), (403, "not_approver"),
        (403, "not_operator"), (404, "unknown_request"), (400, "invalid"), (409, "key_used"),
    ]  # fmt: skip
    assert TradingControl.objects.get(scope=stage.DEX).state == "HALTED"


def test_two_people_by_page(operator: Client) -> None:
    now = datetime.now(UTC)
    green(now)
    impose_lock(stage.DEX, TradingState.PAUSED, "hard_limit", "q 21 lots", imposed_by="quoting", now=now)
    approver = _as("approver", Role.APPROVER)
    ask = f"/desk/resume/{stage.DEX}/hard_limit/"
    assert ask in operator.get("/desk/").content.decode()
    assert ask not in approver.get("/desk/").content.decode()
    assert approver.get(ask).status_code == 403
    form = {"reason": "back inside", "idempotency_key": "a1"}
    assert "Asked." in operator.post(ask, form, follow=True).content.decode()
    decide = f"/desk/requests/{ResumeRequest.objects.get().pk}/"
    assert operator.get(decide).status_code == 403
    assert decide in approver.get("/desk/").content.decode()
    assert "back inside" in approver.get(decide).content.decode()
    answer = {"reason": "I agree", "idempotency_key": "c1", "decision": "confirm"}
    assert approver.post(decide, answer | {"reason": ""}).status_code == 422
    unproved = approver.post(decide, answer)
    assert (unproved.status_code, "needs your second factor" in unproved.content.decode()) == (422, True)
    person = stage.User.objects.get(username="approver")
    assert approver.post(decide, answer | {"code": stage.next_code(person)}).status_code == 302
    assert Lock.objects.get().lifted_by == "approver"
    assert "Needs two people" not in approver.get("/desk/").content.decode()
    again = approver.post(decide, answer | {"idempotency_key": "c2", "code": stage.next_code(person)})
    assert (again.status_code, "already been decided" in again.content.decode()) == (422, True)
