"""The staff API: roles, reads, and commands with an idempotency key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.pages import stage
from trading.models import TradingControl

READS = [
    "markets/",
    f"markets/{stage.DEX}/",
    f"markets/{stage.DEX}/history/",
    "fills/",
    "orders/",
    "decisions/",
    f"parameters/{stage.DEX}/versions/",
]
PAUSE = {"scope": stage.DEX, "state": "PAUSED", "reason": "looks wrong"}


def _command(client: Client, body: object, key: str | None = "k1") -> object:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/v1/controls/", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("address", READS)
def test_reads_are_for_staff(alive: dict, auditor: Client, address: str) -> None:
    assert Client().get(f"/api/v1/{address}").json()["code"] == "not_authenticated"
    assert auditor.get(f"/api/v1/{address}").status_code == 200


def test_a_market_has_everything(alive: dict, auditor: Client) -> None:
    market = auditor.get(f"/api/v1/markets/{stage.DEX}/").json()
    assert (market["inventory"], market["total_pnl"], market["from_target"]) == ("203500", "14.172", "3500")
    assert market["sentence"].startswith("Quoting both sides: 1000 at 0.236464")
    assert market["limits"] == {"target": "200000", "taper": "8000", "soft": "18000", "hard": "20000"}
    ours = [(row[0], row[2]) for row in market["book"]["bids"] if row[2] != "0"]
    assert ours == [("0.236464", "1000")]


def test_fills_are_filtered_and_paged(alive: dict, auditor: Client) -> None:
    stage.add_fills(stage.DEX, 3, datetime.now(UTC))
    stage.add_fills(stage.CEX, 2, datetime.now(UTC))
    page = auditor.get("/api/v1/fills/", {"market": stage.CEX, "limit": 1}).json()
    assert (page["count"], len(page["results"]), page["results"][0]["market"]) == (2, 1, stage.CEX)
    assert page["results"][0]["price"] == "1.823452800000000000"
    unknown = auditor.get("/api/v1/fills/", {"market": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_market")


def test_versions_name_what_changed(alive: dict, auditor: Client) -> None:
    from trading.models import Market, ParameterSet
    from trading.parameters.services import apply_version, current_values

    market = Market.objects.get(slug=stage.DEX)
    values = current_values(ParameterSet.objects.get(market=market)) | {"gamma": 25}
    apply_version(
        market, values, authorised_by="t", actor_id="1", actor_name="A", reason="calmer", now=datetime.now(UTC)
    )
    newest, oldest = auditor.get(f"/api/v1/parameters/{stage.DEX}/versions/").json()
    assert (newest["version"], newest["changed"], newest["values"]["gamma"], newest["reason"]) == (
        2,
        ["gamma"],
        "25",
        "calmer",
    )
    assert (oldest["version"], oldest["values"]["gamma"]) == (1, "20")


def test_an_operator_pauses_once_per_key(alive: dict, operator: Client) -> None:
    first, second = _command(operator, PAUSE), _command(operator, PAUSE)
    assert first.json() == {"scope": stage.DEX, "state": "PAUSED", "version": 2, "repeated": False, "changed": True}
    assert second.json() == {"scope": stage.DEX, "state": "PAUSED", "version": 2, "repeated": True, "changed": True}
    clash = _command(operator, PAUSE | {"scope": stage.CEX})
    assert (clash.status_code, clash.json()["code"]) == (409, "key_used")


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        (PAUSE, None, 400, "invalid"),
        (PAUSE, "k" * 81, 400, "bad_key"),
        (PAUSE | {"reason": ""}, "k", 400, "invalid"),
        (PAUSE | {"reason": "   \n  "}, "k", 400, "invalid"),
        (PAUSE | {"state": "OPEN"}, "k", 400, "invalid"),
        (PAUSE | {"scope": "nowhere"}, "k", 404, "unknown_scope"),
        ({}, "k", 400, "invalid"),
        ([], "k", 400, "invalid"),
        ("no json", "k", 400, "parse_error"),
    ],
)
def test_bad_commands_change_nothing(
    alive: dict, operator: Client, body: object, key: str | None, status: int, code: str
) -> None:
    answer = _command(operator, body, key)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(TradingControl.objects.values_list("state", flat=True)) == {"ACTIVE"}


def test_reading_is_not_commanding(alive: dict, auditor: Client) -> None:
    answer = _command(auditor, PAUSE)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_operator")
    assert TradingControl.objects.get(scope=stage.DEX).state == "ACTIVE"


def test_a_command_needs_the_forms_token_too(desk: None) -> None:
    from governance.access.roles import Role

    client = Client(enforce_csrf_checks=True)
    stage.sign_in(client, stage.person("operator", Role.OPERATOR))
    assert _command(client, PAUSE).status_code == 403
