"""The kill switch at its doors: page, API, the ways round them."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from governance.access.roles import Role
from tests.pages import stage
from trading.hot_state import keys
from trading.hot_state.clearing import Cleared
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.models import TradingControl

PAGE = f"/desk/kill/{stage.DEX}/"
API = "/api/v1/controls/kill/"
BODY = {"scope": stage.DEX, "reason": "an exercise"}


def cleared(slug: str, resting: int | None = 0) -> None:
    """The watchdog's word, from a moment after any kill of this test."""
    at_ns = time.time_ns() + 10**10
    sync_client().set(keys.cleared(slug), encode(Cleared(slug, at_ns, at_ns, 4, resting)))


def state(scope: str) -> str:
    return TradingControl.objects.get(scope=scope).state


def test_the_page_asks_once_and_tells_what_came_of_it(operator: Client) -> None:
    page = operator.get(PAGE).content.decode()
    assert "Starting again needs two people" in page and "Emergency stop from the desk" in page
    assert state(stage.DEX) == "ACTIVE"
    cleared(stage.DEX)
    answer = operator.post(PAGE, {"reason": "an exercise", "idempotency_key": "k1"}, follow=True)
    assert "Orders cancelled: 4; no venue shows one" in answer.content.decode()
    assert (state(stage.DEX), state(stage.CEX), state("desk")) == ("HALTED", "ACTIVE", "ACTIVE")


def test_without_a_reason_nothing_happens(operator: Client) -> None:
    answer = operator.post(PAGE, {"reason": "", "idempotency_key": "k1"})
    assert answer.status_code == 422 and state(stage.DEX) == "ACTIVE"


def test_a_get_kills_nothing_and_an_unknown_scope_is_not_found(operator: Client) -> None:
    assert operator.get("/desk/kill/desk/").status_code == 200
    assert operator.post("/desk/kill/nowhere/", {"reason": "an exercise", "idempotency_key": "k"}).status_code == 404
    assert state("desk") == "ACTIVE"


@pytest.mark.parametrize("roles", [(), (Role.APPROVER,), (Role.AUDITOR,)])
def test_nobody_else_kills(desk: None, client: Client, roles: tuple[Role, ...]) -> None:
    stage.sign_in(client, stage.person("other", *roles))
    form = {"reason": "an exercise", "idempotency_key": "k"}
    assert client.post(PAGE, form).status_code == 403
    answer = client.post(API, BODY, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 403 and state(stage.DEX) == "ACTIVE"


def test_the_api_answers_with_what_the_venues_showed(operator: Client) -> None:
    cleared(stage.DEX)
    for repeated in (False, True):
        answer = operator.post(API, BODY, content_type="application/json", headers={"Idempotency-Key": "k9"})
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["gate"]["state"] == "HALTED" and body["gate"]["repeated"] is repeated
        assert body["markets"] == [{"slug": stage.DEX, "cancelled": 4, "resting": 0, "by": "watchdog"}]
        assert body["is_clear"] is True


def test_the_api_wants_a_key_and_a_reason(operator: Client) -> None:
    assert operator.post(API, BODY, content_type="application/json").status_code == 400
    answer = operator.post(API, {"scope": "desk"}, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 400 and state("desk") == "ACTIVE"


def test_with_no_watchdog_and_no_venue_the_gate_still_closes_and_it_is_said(operator: Client) -> None:
    answer = operator.post(PAGE, {"reason": "an exercise", "idempotency_key": "k1"}, follow=True)
    assert "orders may still rest on" in answer.content.decode()
    assert state(stage.DEX) == "HALTED"
