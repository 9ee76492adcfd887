"""The desk page: who sees it, what it shows, and that a pause needs a role, a reason, a confirmation, and happens once."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client

from governance.access.roles import Role
from tests.pages import stage
from trading.models import CommandReceipt, Event, TradingControl
from trading.selectors import market_status

PAUSE = {"state": "PAUSED", "reason": "book looks wrong", "idempotency_key": "desk-test-1"}
ADDRESS = f"/desk/controls/{stage.DEX}/"


def _state(scope: str = stage.DEX) -> str:
    return TradingControl.objects.get(scope=scope).state


def test_a_visitor_is_asked_to_sign_in(desk: None, client: Client) -> None:
    answer = client.get("/desk/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/sign-in/?next=/desk/")


@pytest.mark.parametrize("is_superuser", [False, True])
def test_no_role_no_desk_not_even_for_a_superuser(desk: None, client: Client, is_superuser: bool) -> None:
    stage.sign_in(client, stage.person("someone", is_superuser=is_superuser))
    assert client.get("/desk/").status_code == 403
    assert client.get("/api/v1/markets/").status_code == 403


def test_everything_of_a_market_is_on_the_desk(alive: dict, operator: Client) -> None:
    page = operator.get("/desk/").content.decode()
    for text in (
        "203,500.00",
        "+3,500.00",
        "Quoting both sides: 1000 at 0.236464",
        "+14.17",
        "Risk aversion (gamma)",
        "version 1",
    ):
        assert text in page


def test_others_than_operators_see_no_controls(alive: dict, auditor: Client) -> None:
    page = auditor.get("/desk/").content.decode()
    assert "/desk/controls/" not in page
    assert auditor.get(ADDRESS).status_code == 403
    assert auditor.post(ADDRESS, PAUSE | {"confirmed": "on"}).status_code == 403
    assert _state() == "ACTIVE"


def test_a_pause_asks_first_and_then_happens_with_its_event(alive: dict, operator: Client) -> None:
    asked = operator.post(ADDRESS, PAUSE)
    assert "book looks wrong" in asked.content.decode()
    assert _state() == "ACTIVE"
    done = operator.post(ADDRESS, PAUSE | {"confirmed": "on"}, follow=True)
    assert _state() == "PAUSED"
    assert "book looks wrong" in done.content.decode()
    event = Event.objects.get(type="control.changed", payload__to="PAUSED")
    assert (event.actor_name, event.payload["reason"]) == ("operator", "book looks wrong")


def test_the_same_key_twice_is_done_once(alive: dict, operator: Client) -> None:
    for _ in range(2):
        operator.post(ADDRESS, PAUSE | {"confirmed": "on"})
    assert TradingControl.objects.get(scope=stage.DEX).version == 2
    assert CommandReceipt.objects.count() == 1


def test_each_form_has_a_key_of_its_own(operator: Client) -> None:
    keys = {
        re.search(r'name="idempotency_key" value="([^"]+)"', operator.get(ADDRESS).content.decode())[1]
        for _ in range(3)
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    "change",
    [{"reason": ""}, {"reason": "x"}, {"reason": "r" * 501}, {"state": "OPEN"}, {"state": ""}, {"idempotency_key": ""}],
)
def test_bad_input_changes_nothing_and_says_so(alive: dict, operator: Client, change: dict) -> None:
    answer = operator.post(ADDRESS, PAUSE | {"confirmed": "on"} | change)
    assert answer.status_code == 422
    assert _state() == "ACTIVE"


def test_a_refusal_is_shown_in_the_services_words(alive: dict, operator: Client) -> None:
    operator.post(ADDRESS, PAUSE | {"state": "HALTED", "confirmed": "on"})
    code = stage.next_code(stage.User.objects.get(username="operator"))
    answer = operator.post(
        ADDRESS, PAUSE | {"state": "ACTIVE", "idempotency_key": "k2", "confirmed": "on"} | {"code": code}
    )
    assert answer.status_code == 422
    assert "two people must lift a kill" in answer.content.decode()
    assert _state() == "HALTED"


def test_the_whole_desk_and_an_unknown_scope(alive: dict, operator: Client) -> None:
    operator.post("/desk/controls/desk/", PAUSE | {"confirmed": "on"})
    assert _state("desk") == "PAUSED"
    assert operator.post("/desk/controls/nowhere/", PAUSE | {"confirmed": "on"}).status_code == 404


def test_markup_in_a_reason_stays_text(alive: dict, operator: Client) -> None:
    page = operator.post(ADDRESS, PAUSE | {"reason": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_form_without_its_token_is_refused(desk: None) -> None:
    client = Client(enforce_csrf_checks=True)
    stage.sign_in(client, stage.person("operator", Role.OPERATOR))
    answer = client.post(ADDRESS, PAUSE | {"confirmed": "on"})
    assert (answer.status_code, "This form is no longer valid" in answer.content.decode()) == (403, True)


def test_signing_in_and_out(desk: None, client: Client) -> None:
    person = stage.enrol(stage.person("operator", Role.OPERATOR, password=stage.PASSWORD))
    wrong = client.post("/accounts/sign-in/", {"username": "operator", "password": "no"})
    assert "do not belong together" in wrong.content.decode()
    right = client.post("/accounts/sign-in/", {"username": "operator", "password": stage.PASSWORD})
    assert right.headers["Location"] == "/accounts/second-factor/"
    assert client.get("/desk/").status_code == 302
    second = client.post("/accounts/second-factor/", {"code": stage.next_code(person)})
    assert second.headers["Location"] == "/desk/"
    assert client.get("/desk/").status_code == 200
    outside = client.post("/accounts/sign-out/", {})
    assert outside.headers["Location"] == "/"
    assert client.get("/desk/").status_code == 302


def test_signing_in_never_leads_elsewhere(desk: None, client: Client) -> None:
    person = stage.enrol(stage.person("operator", Role.OPERATOR, password=stage.PASSWORD))
    form = {"username": "operator", "password": stage.PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/accounts/sign-in/", form).headers["Location"] == "/accounts/second-factor/"
    second = client.post("/accounts/second-factor/", {"code": stage.next_code(person)})
    assert second.headers["Location"] == "/desk/"


def test_the_desk_is_cheap(alive: dict, operator: Client, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(18):
        operator.get("/desk/")


def test_an_order_placed_by_hand_is_shown_and_is_no_quote_of_ours(alive: dict, operator: Client) -> None:
    before = operator.get("/api/v1/markets/").json()
    now_ns = time.time_ns()
    for name, policy in (("web-7", "adopt"), ("<b>web</b>", "cancel")):
        made = stage.order(stage.DEX, "buy", Decimal("0.25"), Decimal(77), now_ns)
        stage.add_orders(stage.DEX, [replace(made, client_order_id=name, foreign=policy)])
    page = operator.get("/desk/").content.decode()
    assert "placed by hand, left there and counted</b>" in page and "web-7" in page and "buy 77 @ 0.25" in page
    assert "placed by hand, being cancelled</b>" in page and "&lt;b&gt;web" in page and "<b>web</b>" not in page
    status = market_status(stage.DEX, now_ns)
    assert [one.policy for one in status.foreign_orders] == ["cancel", "adopt"]
    assert status.open_orders == 2 and status.bid != Decimal("0.25")
    assert len(before) == len(operator.get("/api/v1/markets/").json())
