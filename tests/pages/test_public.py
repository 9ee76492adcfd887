"""The public page and its socket: what anybody sees, and nothing finer."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.public_market import public_json, public_market, rounded_inventory
from tests.pages import stage
from trading.hot_state import connection, keys


def test_the_page_shows_quotes_source_and_label_without_an_account(alive: dict, client: Client) -> None:
    page = client.get("/").content.decode()
    for text in (
        "DCT/USDT",
        "0.236464",
        "0.236560",
        "4.06",
        "Recorded market, rescaled: ETH/USDT",
        "GRAM/USDT",
        "1.8192",
    ):
        assert text in page
    assert 'lang="en" dir="ltr"' in page
    assert client.cookies.get("sessionid") is None


def test_the_page_with_nothing_says_what_to_do(db: None, valkey: str, client: Client) -> None:
    page = client.get("/").content.decode()
    assert "manage.py bootstrap --demo" in page


def test_the_page_without_hot_state_shows_dashes(desk: None, client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "No order book has been received" in answer.content.decode()


def test_every_figure_links_to_a_definition_that_exists(alive: dict, client: Client) -> None:
    import re

    page = client.get("/").content.decode()
    linked = set(re.findall(r'/definitions/#([a-z-]+)"', page))
    assert linked >= {"spread", "uptime", "volume", "inventory", "depth", "pnl", "mid", "quotes", "state", "recorded"}
    assert linked <= {each.key for each in DEFINITIONS}
    definitions = client.get("/definitions/").content.decode()
    assert all(f'id="{key}"' in definitions for key in linked)


@pytest.mark.parametrize(
    ("inventory", "expected"),
    [("203500", "204000"), ("203499", "203000"), ("-1499", "-1000"), ("0", "0"), ("499.99", "0"), ("-1501", "-2000")],
)
def test_inventory_is_rounded_to_five_percent_of_the_hard_limit(inventory: str, expected: str) -> None:
    assert rounded_inventory(Decimal(inventory), Decimal(20_000)) == Decimal(expected)


def test_inventory_is_sixty_seconds_late(alive: dict, now_ns: int) -> None:
    stage.put_history(stage.DEX, now_ns - 61 * stage.SECOND_NS, points=3, inventory=Decimal(196_700))
    later = stage.SECOND_NS * 58
    stage.put_history(stage.DEX, now_ns - 61 * stage.SECOND_NS + later, points=3, inventory=Decimal(150_000))
    market = public_market(stage.DEX, now_ns)
    assert market.inventory == 197_000
    assert (now_ns / 1e9 - market.inventory_at.timestamp()) == pytest.approx(62, abs=0.1)


def test_without_a_minute_of_history_no_inventory_is_told(alive: dict, now_ns: int) -> None:
    assert public_market(stage.DEX, now_ns).inventory is None


def test_the_public_form_holds_nothing_finer(alive: dict, now_ns: int) -> None:
    stage.put_history(stage.DEX, now_ns - 61 * stage.SECOND_NS, points=3, inventory=Decimal(196_700))
    body = json.dumps(public_json(public_market(stage.DEX, now_ns)))
    assert "203500" not in body
    assert "14.17" not in body
    for name in (
        "realised",
        "unrealised",
        "total_pnl",
        "from_target",
        "open_orders",
        "sentence",
        "state_reasons",
        '"fills"',
    ):
        assert name not in body


def test_volume_of_the_last_minute_is_not_told(alive: dict, now_ns: int) -> None:
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    stage.add_fills(stage.DEX, 4, now)  # 0, 20, 40 and 60 s ago
    assert public_json(public_market(stage.DEX, now_ns))["volume_fills"] == 0
    from django.core.cache import cache

    cache.clear()
    assert public_json(public_market(stage.DEX, now_ns + stage.SECOND_NS))["volume_fills"] == 1


def test_dhivehi_runs_right_to_left(alive: dict, client: Client) -> None:
    answer = client.post("/language/setlang/", {"language": "dv", "next": "/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert 'lang="dv" dir="rtl"' in client.get("/").content.decode()


def test_pages_have_a_strict_content_policy(alive: dict, client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    page = client.get("/").content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page


def test_the_page_is_cheap(alive: dict, client: Client, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(9):
        client.get("/")
    # Figures over time are kept for some seconds.
    with django_assert_max_num_queries(3):
        client.get("/")


def test_unreadable_keys_leave_the_page_standing(alive: dict, client: Client) -> None:
    connection.sync_client().set(keys.market_view(stage.DEX), b"{{{")
    assert client.get("/").status_code == 200


def test_unknown_addresses(desk: None, client: Client) -> None:
    client.raise_request_exception = False
    page = client.get("/nowhere/")
    assert (page.status_code, "There is nothing at this address" in page.content.decode()) == (404, True)


def test_health_needs_nobody(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_names_what_is_missing(alive: dict, client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    problems = {check["name"]: check["problem"] for check in answer.json()["checks"]}
    assert problems["database"] == problems["redis"] == problems[f"feed {stage.DEX}"] == ""
    assert problems["process worker"] == "no heartbeat"
    for name in ("market_data", "ledger", "relay", "worker-1"):
        connection.sync_client().set(keys.heartbeat(name), time.time_ns())
    assert client.get("/readyz").status_code == 200
    connection.sync_client().set(keys.heartbeat("relay"), time.time_ns() - 60 * stage.SECOND_NS)
    assert {"name": "process relay", "ok": False, "problem": "last heartbeat 60 s ago"} in client.get("/readyz").json()[
        "checks"
    ]


def test_metrics_are_not_public(db: None, valkey: str, client: Client, settings: object) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    settings.METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200
