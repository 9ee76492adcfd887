"""The webhook door: signed and fresh or refused; repeated without effect; retried after our own failure."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.test import Client, override_settings

from tests.ledger.desk import NOW
from trading.hot_state import inbox, keys
from trading.hot_state.connection import sync_client
from trading.ledger.processing import process_batch
from trading.models import Asset, Fill, FillQuarantine, Market, Position, VenueAccount

URL = "/api/v1/webhooks/dex-desk/fills/"
SECRET = "webhook-secret-of-the-tests"
pytestmark = pytest.mark.usefixtures("desk", "secret")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENUE_DEX_DESK_WEBHOOK_SECRET", SECRET)


def told(**changes: Any) -> dict[str, Any]:
    fill = {
        "trade_id": "77", "order_id": "5", "client_order_id": "m1b0e1c1", "symbol": "DCT/USDT", "side": "buy",
        "price": "0.25", "size": "100", "fee": "0.00125", "fee_asset": "USDT", "liquidity": "maker",
        "ts_ms": 1767225600000, "seq": 9,
    }  # fmt: skip
    return {"event_id": "dex-fill-9", "type": "fill", "venue": "dex", "fill": fill | changes}


def post(message: Any, *, age_s: float = 0.0, key: str = SECRET, url: str = URL, **headers: str) -> Any:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    stamp = str(round((time.time() - age_s) * 1000))
    event_id = headers.get("TDX-EVENT-ID", "dex-fill-9")
    signed = stamp.encode() + b"\n" + event_id.encode() + b"\n" + body
    sent = {
        "TDX-EVENT-ID": event_id,
        "TDX-TIMESTAMP": stamp,
        "TDX-SIGNATURE": hmac.new(key.encode(), signed, hashlib.sha256).hexdigest(),
    } | headers
    return Client().post(url, data=body, content_type="application/json", headers=sent)


def book() -> None:
    client = sync_client()
    inbox.ensure_group(client)
    while entries := inbox.read_batch(client, "one", block_ms=1):
        process_batch(client, entries, NOW)


def test_a_signed_fill_is_booked_once_however_often_it_comes() -> None:
    assert [post(told()).status_code for _ in range(2)] == [200, 200]
    book()
    again = post(told())
    book()
    assert (again.status_code, again.json()["code"]) == (200, "accepted")
    row = Fill.objects.get()
    assert (row.trade_id, row.order_id, row.source, row.maker, row.fee_asset) == ("77", "5", "webhook", True, "usdt")
    assert Position.objects.get().q == 100


@pytest.mark.parametrize(
    "headers", [{"TDX-SIGNATURE": ""}, {"TDX-SIGNATURE": "0" * 64}, {"TDX-TIMESTAMP": ""}, {"TDX-TIMESTAMP": "now"}]
)
def test_unsigned_or_wrongly_signed_is_refused(headers: dict[str, str]) -> None:
    answer = post(told(), **headers)
    assert answer.status_code == 401
    assert SECRET not in answer.content.decode()
    assert inbox.inbox_length(sync_client()) == 0


def test_another_secret_or_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(told(), key="another").status_code == 401
    monkeypatch.delenv("VENUE_DEX_DESK_WEBHOOK_SECRET")
    assert post(told(), key="").status_code == 401


def test_the_signature_covers_the_event_id() -> None:
    stamp = str(round(time.time() * 1000))
    body = json.dumps(told()).encode()
    signature = hmac.new(SECRET.encode(), f"{stamp}\nother\n".encode() + body, hashlib.sha256).hexdigest()
    assert post(told(), **{"TDX-TIMESTAMP": stamp, "TDX-SIGNATURE": signature}).status_code == 401


@pytest.mark.parametrize("age_s", [120.0, -120.0])
def test_a_stale_stamp_is_refused_and_the_history_is_polled_instead(age_s: float) -> None:
    answer = post(told(), age_s=age_s)
    assert (answer.status_code, answer.json()["code"]) == (401, "stale_stamp")
    assert sync_client().lrange(keys.poll_request("dex-desk"), 0, -1) == [b"stale_webhook"]
    assert inbox.inbox_length(sync_client()) == 0


def test_a_wrong_signature_with_a_stale_stamp_asks_for_nothing() -> None:
    assert post(told(), age_s=120, key="another").status_code == 401
    assert sync_client().llen(keys.poll_request("dex-desk")) == 0


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[" * 60_000,
        b"\xff\xfe",
        b"[]",
        {"event_id": "dex-fill-9", "type": "fill"},
        {"event_id": "another", "type": "fill", "fill": {}},
        {**told(), "type": "order"},
        told(price=0.25),
        told(price="NaN"),
        told(size="x"),
        told(side="hold"),
        told(symbol=None),
        told(liquidity=""),
        told(ts_ms="soon"),
    ],
)
def test_malformed_is_refused_and_changes_nothing(message: Any) -> None:
    answer = post(message)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert inbox.inbox_length(sync_client()) == 0


def test_too_large_is_refused() -> None:
    assert post({**told(), "padding": "x" * 70_000}).status_code == 413


def test_an_unknown_account_is_not_found() -> None:
    assert post(told(), url="/api/v1/webhooks/nobody/fills/").status_code == 404


def test_only_posts_are_taken() -> None:
    assert Client().get(URL).status_code == 405


def test_a_fill_of_a_market_that_is_not_ours_is_kept_and_told() -> None:
    assert post(told(symbol="OTHER/USDT")).status_code == 200
    book()
    assert (FillQuarantine.objects.get().reason, Fill.objects.count()) == ("unknown_market", 0)


def test_a_retry_after_our_own_failure_works() -> None:
    good = sync_client()
    from trading.hot_state import connection as hot_connection

    hot_connection.sync_client.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        refused = post(told())
    hot_connection.sync_client.cache_clear()
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert isinstance(good, redis.Redis)
    assert post(told()).status_code == 200
    book()
    assert Position.objects.get().q == 100


def test_a_perpetual_is_told_in_contracts_and_booked_in_base() -> None:
    Asset.objects.create(id="eth", name="eth", decimals=18)
    Market.objects.create(
        slug="eth-usdt-perp", account=VenueAccount.objects.get(slug="dex-desk"), base_id="eth", quote_id="usdt",
        venue_symbol="ETH/USDT:USDT", lot_size=1, instrument="linear_perpetual", contract_value=Decimal("0.1"),
    )  # fmt: skip
    perpetual = {"symbol": "ETH/USDT:USDT", "price": "2400", "size": "7", "realised_pnl": "0"}
    assert post(told(**perpetual)).status_code == 200
    book()
    row = Fill.objects.get()
    assert (row.market.slug, row.size, row.realised_pnl) == ("eth-usdt-perp", Decimal("0.7"), 0)
    assert Position.objects.get(market=row.market).q == Decimal("0.7")
