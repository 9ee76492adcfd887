"""The public API: the shapes other programs rely on, and one form for every error."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from tests.pages import stage

MARKETS = "/api/v1/public/markets/"


def test_the_list_has_the_promised_keys(alive: dict, client: Client) -> None:
    first, second = client.get(MARKETS).json()
    assert (first["slug"], second["slug"]) == (stage.DEX, stage.CEX)
    assert {"slug", "state", "mid", "bid", "ask", "spread_bps", "updated_at"} <= set(first)
    assert (first["state"], first["mid"], first["bid"], first["ask"]) == ("ACTIVE", "0.236512", "0.236464", "0.23656")
    assert first["spread_bps"] == "4.06"
    assert first["updated_at"].endswith("Z")
    assert first["source_label"].startswith("Recorded market, rescaled")


def test_one_market_and_an_unknown_one(alive: dict, client: Client) -> None:
    assert client.get(f"{MARKETS}{stage.CEX}/").json()["ask"] == "1.8288"
    answer = client.get(f"{MARKETS}nowhere/")
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "unknown_market",
        "message": "there is no market 'nowhere'; known markets: dct-usdt-dex, gram-usdt-cex",
    }


def test_history_has_prices_and_nothing_else(alive: dict, client: Client, now_ns: int) -> None:
    stage.put_history(stage.DEX, now_ns, points=120)
    answer = client.get(f"{MARKETS}{stage.DEX}/history/", {"seconds": 60}).json()
    assert set(answer) == {"market", "seconds", "t", "mid", "bid", "ask"}
    assert 58 <= len(answer["t"]) == len(answer["bid"]) <= 60
    assert answer["t"] == sorted(answer["t"])
    assert answer["mid"][-1] == "0.236512"


def test_long_histories_are_thinned(alive: dict, client: Client, now_ns: int) -> None:
    stage.put_history(stage.DEX, now_ns, points=3000)
    answer = client.get(f"{MARKETS}{stage.DEX}/history/", {"seconds": 7200}).json()
    assert 900 <= len(answer["t"]) <= 1200
    assert answer["mid"][-1] == "0.236512"


@pytest.mark.parametrize("seconds", ["0", "-1", "7201", "x", "1e3", "٣", "9" * 400, ""])
def test_a_bad_window_is_told(alive: dict, client: Client, seconds: str) -> None:
    answer = client.get(f"{MARKETS}{stage.DEX}/history/", {"seconds": seconds})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["message"] == "seconds: must be a whole number from 1 to 7200"


def test_other_methods_and_addresses_answer_in_the_same_form(alive: dict, client: Client) -> None:
    refused = client.post(MARKETS, {})
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    missing = client.get("/api/v1/nothing/")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_too_many_requests_are_told_when_to_come_back(
    alive: dict, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "public", "2/min")
    cache.clear()
    codes = [client.get(MARKETS).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    answer = client.get(MARKETS)
    assert answer.json()["code"] == "throttled"
    assert int(answer.headers["Retry-After"]) <= 60


def test_made_up_addresses_do_not_help_against_the_throttle(
    alive: dict, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rest_framework.settings import api_settings
    from rest_framework.throttling import ScopedRateThrottle

    assert api_settings.NUM_PROXIES == 0
    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "public", "2/min")
    cache.clear()
    codes = [client.get(MARKETS, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(3)]
    assert codes == [200, 200, 429]


def test_the_description_is_valid(db: None, client: Client) -> None:
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    described = client.get("/api/v1/schema/").json()
    assert "/api/v1/public/markets/" in described["paths"]
    assert "/api/v1/controls/" in described["paths"]
