"""What loosens needs a fresh second factor, by page and API; what tightens needs none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from governance.access.roles import Role
from governance.desk.proof import PURPOSE, state_content
from governance.models import StepUpProof, User
from tests.access.authenticator import Authenticator
from tests.controls.green import green
from tests.pages import stage
from trading.models import TradingControl

PAGE, API = f"/desk/controls/{stage.DEX}/", "/api/v1/controls/"


@pytest.fixture
def olga(desk: None) -> User:
    """An operator with an app, while every check is green."""
    green(datetime.now(UTC))
    return stage.enrol(stage.person("olga", Role.OPERATOR))


@pytest.fixture
def client(olga: User) -> Client:
    return stage.sign_in(Client(), olga)


def send(client: Client, state: str, key: str, **more: str) -> tuple[int, str]:
    body = {"scope": stage.DEX, "state": state, "reason": "a test"} | more
    answer = client.post(API, body, content_type="application/json", headers={"Idempotency-Key": key})
    return answer.status_code, answer.json().get("code", answer.json().get("state"))


def state() -> str:
    return TradingControl.objects.get(scope=stage.DEX).state


def test_tightening_needs_no_code_and_each_loosening_does(olga: User, client: Client) -> None:
    assert send(client, "REDUCING", "a") == (200, "REDUCING")
    assert send(client, "PAUSED", "b") == (200, "PAUSED")
    assert send(client, "REDUCING", "c") == (403, "second_factor")
    assert send(client, "REDUCING", "c", code="000000") == (403, "second_factor")
    assert state() == "PAUSED"
    code = stage.next_code(olga)
    assert send(client, "REDUCING", "c", code=code) == (200, "REDUCING")
    assert send(client, "ACTIVE", "d", code=code) == (403, "second_factor")
    assert state() == "REDUCING"
    assert send(client, "ACTIVE", "d", code=stage.next_code(olga)) == (200, "ACTIVE")
    assert StepUpProof.objects.filter(purpose=PURPOSE, method="totp").count() == 2


def test_a_double_click_resumes_once_and_says_so(olga: User, client: Client) -> None:
    send(client, "PAUSED", "a")
    code = stage.next_code(olga)
    assert send(client, "ACTIVE", "b", code=code) == (200, "ACTIVE")
    assert send(client, "ACTIVE", "b", code=code) == (200, "ACTIVE")
    assert TradingControl.objects.get(scope=stage.DEX).version == 3


def test_who_is_no_operator_is_told_that_and_keeps_the_code(olga: User) -> None:
    auditor = stage.enrol(stage.person("otto", Role.AUDITOR), b"09876543210987654321")
    client, code = stage.sign_in(Client(), auditor), stage.next_code(auditor)
    assert send(client, "ACTIVE", "a", code=code) == (403, "not_operator")
    assert stage.next_code(auditor) == code


def test_a_token_of_a_program_loosens_nothing_by_itself(olga: User, now: datetime) -> None:
    from governance.access.tokens import collect, issue

    row = issue(olga, "bot", ["operator"], 1, authorised_by="genesis", now=now)
    token = collect(olga, row.prefix, now=now).token
    bearer = Client(headers={"Authorization": f"Bearer {token}"})
    assert send(bearer, "PAUSED", "a") == (200, "PAUSED")
    assert send(bearer, "ACTIVE", "b") == (403, "second_factor")


def test_by_page(olga: User, client: Client) -> None:
    send(client, "PAUSED", "a")
    form = {"state": "ACTIVE", "reason": "a test", "idempotency_key": "b"}
    shown = client.post(PAGE, form).content.decode()
    assert f'data-key-content="{state_content(stage.DEX, "ACTIVE")}"' in shown
    assert "data-key-form" not in client.post(PAGE, form | {"state": "HALTED"}).content.decode()
    refused = client.post(PAGE, form | {"confirmed": "on"})
    assert (refused.status_code, "needs your second factor" in refused.content.decode()) == (422, True)
    assert state() == "PAUSED"
    assert client.post(PAGE, form | {"confirmed": "on", "code": stage.next_code(olga)}).status_code == 302
    assert state() == "ACTIVE"


def test_a_signature_is_for_the_control_as_it_stood(olga: User, client: Client) -> None:
    key = Authenticator()
    key.enrol(olga)
    send(client, "PAUSED", "a")

    def signed() -> str:
        content = state_content(stage.DEX, "ACTIVE")
        asked = {"for": "step_up", "purpose": PURPOSE, "content_hash": content}
        assert client.post("/accounts/keys/options/", asked).status_code == 200
        return key.assertion(bytes.fromhex(content))

    before = signed()
    send(client, "REDUCING", "b", code=stage.next_code(olga))
    send(client, "PAUSED", "c")
    assert send(client, "ACTIVE", "d", assertion=before) == (403, "second_factor")
    assert send(client, "ACTIVE", "d", assertion=signed()) == (200, "ACTIVE")
