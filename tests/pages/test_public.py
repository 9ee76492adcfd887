"""The public page and its socket: what anybody sees, and nothing finer."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client

from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.public_market import public_json, public_market
from disclosures.transparency.publication import Publication
from tests.pages import stage
from trading.hot_state import connection, keys
from trading.models import Fill, Market


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
    policy = Publication(1, 60, Decimal("0.05"), 1, 0)
    assert policy.rounded(Decimal(inventory), Decimal(20_000)) == Decimal(expected)


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


def test_volume_is_of_complete_hours_rounded_at_the_hours_price(alive: dict) -> None:
    nine = datetime(2026, 3, 4, 9, tzinfo=UTC)
    stage.put_history(stage.DEX, _ns(nine), points=3)
    # 8 fills of 1000 base every 20 s back from 8:59:50: all before nine o'clock; the step is 5 % of 20000.
    stage.add_fills(stage.DEX, 8, nine - timedelta(seconds=10))
    told = public_json(public_market(stage.DEX, _ns(nine + timedelta(seconds=61))))
    assert (told["volume"], told["volume_step"]) == ("1892.1", "236.51")
    assert told["volume_until"] == "2026-03-04T09:00:00.000Z"
    assert "volume_fills" not in told


def test_two_public_readings_never_tell_a_fill(alive: dict, client: Client) -> None:
    """An attacker reads again and again while fills come and the price moves: within an hour nothing of the volume changes."""
    nine = datetime(2026, 3, 4, 9, tzinfo=UTC)
    stage.put_history(stage.DEX, _ns(nine), points=3)
    seen = set()
    for minute in range(2, 60, 6):
        now = nine + timedelta(minutes=minute)
        _one_fill(f"A{minute}", now - timedelta(seconds=70), Decimal("437.25"))
        stage.hot_market(stage.DEX, _ns(now), mid=stage.MIDS[stage.DEX] * (1 + Decimal(minute) / 1000))
        cache.clear()
        told = public_json(public_market(stage.DEX, _ns(now)))
        seen.add((told["volume"], told["volume_step"], told["volume_until"]))
    # No fill in the hours before: the same "0" as with too little to round up.
    assert seen == {("0", "236.51", "2026-03-04T09:00:00.000Z")}


def test_at_the_turn_of_an_hour_the_volume_moves_in_whole_steps(alive: dict) -> None:
    nine = datetime(2026, 3, 4, 9, tzinfo=UTC)
    stage.put_history(stage.DEX, _ns(nine), points=3)
    steps = []
    for n, size in enumerate(("3.5", "440.1", "437.25", "618.77")):
        _one_fill(f"B{n}", nine - timedelta(minutes=30), Decimal(size))
        cache.clear()
        told = public_json(public_market(stage.DEX, _ns(nine + timedelta(minutes=2))))
        steps.append(round(Decimal(told["volume"]) / Decimal(told["volume_step"]), 3))
    assert steps == [0, 0, 1, 1]
    cache.clear()
    # Fifty-nine seconds into the hour the one before is not told yet.
    assert public_json(public_market(stage.DEX, _ns(nine + timedelta(seconds=59))))["volume_until"].startswith(
        "2026-03-04T08"
    )


def test_profit_is_told_by_complete_day_of_the_maldives(alive: dict, now_ns: int) -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    stage.add_rolled_days(stage.DEX, ["5.65", "-1.73"], noon)
    assert public_json(public_market(stage.DEX, _ns(noon)))["daily_pnl"] == [
        {"day": "2026-03-02", "last_day": "2026-03-02", "pnl": "5.65"},
        {"day": "2026-03-03", "last_day": "2026-03-03", "pnl": "-1.73"},
    ]


def test_before_the_first_full_hour_no_volume_is_told(alive: dict, now_ns: int) -> None:
    told = public_json(public_market(stage.DEX, now_ns))
    assert (told["volume"], told["volume_step"]) == (None, None)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * stage.SECOND_NS


def _one_fill(trade_id: str, at: datetime, size: Decimal) -> None:
    Fill.objects.create(
        market=Market.objects.get(slug=stage.DEX), venue="dex", account="dex-desk", symbol=stage.DEX, trade_id=trade_id,
        order_id=trade_id, side="buy", price=Decimal("0.2365"), size=size, fee=Decimal(0), fee_asset="usdt",
        parameter_version=1, mid_at_fill=Decimal("0.2365"), source="stream", ledger_seq=Fill.objects.count() + 1,
        executed_at=at, booked_at=at,
    )  # fmt: skip


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
    with django_assert_max_num_queries(12):
        client.get("/")
    # Figures over time are kept for some seconds.
    with django_assert_max_num_queries(5):
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
    def status(host: str = "127.0.0.1:8000", peer: str = "127.0.0.1", **headers: str) -> int:
        settings.ALLOWED_HOSTS = ["*"]
        return client.get("/metrics", REMOTE_ADDR=peer, headers={"Host": host} | headers).status_code

    assert [status(), status("localhost"), status("[::1]:8000", "::1")] == [200, 200, 200]
    assert status(peer="203.0.113.9") == 403
    # A plain proxy on this machine: it comes from the loopback and asks for the public name, with or without headers.
    assert [status("dcmm.example"), status("localhost.evil.example"), status("127.0.0.1.nip.example")] == [
        403,
        403,
        403,
    ]
    assert [status(**{name: "203.0.113.9"}) for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded")] == [403] * 3
    # A Unix socket names no peer.
    assert status(peer="") == 403
    settings.METRICS_TOKEN = "s3cret"
    assert status() == 403
    assert status("dcmm.example", "203.0.113.9", Authorization="Bearer s3cret") == 200
