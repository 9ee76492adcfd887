"""Edited Redis under the pages: they say that something can't be read, and never fail."""

from __future__ import annotations

import pytest
import redis
from django.test import Client

from tests.pages import stage
from trading.hot_state import keys

ADDRESSES = (
    "/",
    "/desk/",
    "/desk/set-aside/",
    f"/desk/controls/{stage.DEX}/",
    "/admin/",
    "/api/v1/public/markets/",
    "/api/v1/markets/",
    f"/api/v1/markets/{stage.DEX}/history/",
    "/healthz",
    "/readyz",
)
KEYS = (
    keys.market_view(stage.DEX),
    keys.position(stage.DEX),
    keys.inbox_pending(stage.DEX),
    keys.open_orders(stage.DEX),
    keys.cycle(stage.DEX),
    keys.history(stage.DEX),
    keys.session(stage.DEX),
    keys.cleared(stage.DEX),
    keys.lease(stage.DEX),
    keys.controls(),
    keys.balances("dex-desk"),
    keys.market_info("dex-desk"),
    keys.heartbeat("ledger"),
    keys.INBOX_STREAM,
    keys.DEAD_LETTERS,
    keys.DECISION_DEAD_LETTERS,
    keys.EVENT_STREAM,
    keys.reservations(),
)


@pytest.mark.parametrize("key", KEYS)
def test_no_page_fails_on_a_key_of_a_wrong_type(alive: dict, operator: Client, valkey: str, key: str) -> None:
    with redis.Redis.from_url(valkey, socket_timeout=5) as client:
        client.delete(key)
        client.zadd(key, {"somebody's": 1.0})
    operator.raise_request_exception = False
    found = {address: operator.get(address).status_code for address in ADDRESSES}
    assert {address: status for address, status in found.items() if status not in (200, 404, 503)} == {}
