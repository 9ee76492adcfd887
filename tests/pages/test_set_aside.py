"""The desk's page of what was set aside: staff read it, operators try again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.ledger.desk import fill
from tests.pages import stage
from trading.hot_state import inbox
from trading.hot_state.connection import sync_client
from trading.ledger.processing import process_batch
from trading.models import Asset, Event, Fill, FillQuarantine

ANSWER = {"reason": "the asset is registered", "idempotency_key": "page-1"}


@pytest.fixture
def name(desk: None) -> str:
    client = sync_client()
    inbox.append_fill(client, fill("<b>1</b>", fee_asset="moon"))
    inbox.ensure_group(client)
    process_batch(client, inbox.read_batch(client, "one", block_ms=1), datetime.now(UTC))
    return f"quarantine:{FillQuarantine.objects.get().pk}"


def test_a_visitor_and_a_person_without_a_role_see_nothing(name: str, client: Client) -> None:
    assert client.get("/desk/set-aside/").status_code == 302
    stage.sign_in(client, stage.person("someone", is_superuser=True))
    assert client.get("/desk/set-aside/").status_code == 403
    assert client.get(f"/desk/set-aside/{name}/").status_code == 403


def test_staff_read_and_only_operators_try_again(name: str, auditor: Client) -> None:
    page = auditor.get("/desk/set-aside/").content.decode()
    assert name in page and "unknown_fee_asset" in page
    letter = auditor.get(f"/desk/set-aside/{name}/").content.decode()
    assert "&lt;b&gt;1&lt;/b&gt;" in letter and "<b>1</b>" not in letter
    assert "idempotency_key" not in letter
    assert auditor.post(f"/desk/set-aside/{name}/", ANSWER).status_code == 403
    assert Event.objects.filter(type="dead_letter.retried").count() == 0


def test_an_operator_tries_again_and_is_told_what_came_of_it(name: str, operator: Client) -> None:
    assert "set-aside" in operator.get("/desk/").content.decode()
    told = operator.post(f"/desk/set-aside/{name}/", ANSWER, follow=True).content.decode()
    assert "Tried again and set aside as before: unknown_fee_asset." in told
    Asset.objects.create(id="moon", name="moon", decimals=9)
    for _ in range(2):
        told = operator.post(
            f"/desk/set-aside/{name}/", ANSWER | {"idempotency_key": "page-2"}, follow=True
        ).content.decode()
        assert "Tried again: booked." in told and "Nothing is set aside." in told
    assert Fill.objects.count() == 1
    assert Event.objects.filter(type="dead_letter.retried").count() == 2


def test_a_reason_is_needed_and_what_is_gone_is_not_found(name: str, operator: Client) -> None:
    assert operator.post(f"/desk/set-aside/{name}/", {"idempotency_key": "x", "reason": ""}).status_code == 422
    assert operator.get("/desk/set-aside/quarantine:0/").status_code == 404
    assert operator.get("/desk/set-aside/inbox:1-1/").status_code == 404
