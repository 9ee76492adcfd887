"""Nothing private happens without a right signature at the right time."""

from __future__ import annotations

import pytest

from tests.sandbox.server.desk import Desk
from trading.sandbox.server import dex_auth
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.keys import ApiKey, KeyRing
from trading.sandbox.server.testing import RunningVenue, running_venue

# The worked examples of docs/sandbox-venue.md, computed with `openssl dgst -sha256 -hmac tdx-example-secret`.
BODY = (
    b'{"symbol":"DCT/USDT","side":"buy","type":"post_only","price":"0.269310","size":"120.0",'
    b'"client_order_id":"q-1-b","deadline_ms":1767225602000}'
)
POST_SIGNATURE = "ca98426e07d41c5a36aeb9713b731a7bb560b56b944b5f19fa524709f1f14274"
GET_SIGNATURE = "f2805e983075ec65209447f0680e87d317701511a6769f21d07f071205230679"
NOW_MS = 1767225600000


async def test_the_documents_examples_verify() -> None:
    async with running_venue("dex") as running:
        running.venue.keys = KeyRing([ApiKey("partner", "desk", "tdx-example-secret")])
        running.venue.clock = VenueClock(lambda: NOW_MS * 1_000_000)
        arguments = (running.venue, "partner", str(NOW_MS))
        assert dex_auth.check(*arguments, POST_SIGNATURE, "POST", "/v1/orders", BODY).account == "desk"
        path = "/v1/fills?symbol=DCT%2FUSDT&after=0"
        assert dex_auth.check(*arguments, GET_SIGNATURE, "GET", path, b"").account == "desk"
        with pytest.raises(ApiError, match="invalid_signature"):
            dex_auth.check(*arguments, POST_SIGNATURE, "POST", "/v1/orders", BODY.replace(b"120.0", b"121.0"))
        with pytest.raises(ApiError, match="invalid_signature"):
            dex_auth.check(*arguments, GET_SIGNATURE, "GET", path.replace("after=0", "after=1"), b"")
        with pytest.raises(ApiError, match="invalid_signature"):
            dex_auth.check(*arguments, "ü" * 64, "GET", path, b"")


async def test_missing_headers_and_unknown_keys(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.get(f"{venue.base_url}/v1/balances") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "missing_header")
    desk.key_id = "somebody"
    status, answer = await desk.call("GET", "/v1/balances")
    assert (status, answer["error"]["code"]) == (401, "invalid_key")


async def test_a_wrong_secret_is_refused_and_never_shown(venue: RunningVenue, desk: Desk) -> None:
    desk.secret = "wrong"
    status, answer = await desk.place("q-1")
    assert (status, answer["error"]["code"]) == (401, "invalid_signature")
    assert venue.secret not in str(answer) + repr(venue.venue)
    assert venue.exchange.open_orders("desk") == []


@pytest.mark.parametrize(("offset_ms", "status"), [(-5500, 401), (-4000, 200), (4000, 200), (5500, 401)])
async def test_the_time_window_is_five_seconds(desk: Desk, offset_ms: int, status: int) -> None:
    desk.offset_ms = offset_ms
    assert (await desk.call("GET", "/v1/balances"))[0] == status


async def test_a_skewed_venue_clock_refuses_good_clients(venue: RunningVenue, desk: Desk) -> None:
    venue.clock.skew_s = 30.0
    status, answer = await desk.call("GET", "/v1/balances")
    assert (status, answer["error"]["code"]) == (401, "timestamp_out_of_window")
    desk.offset_ms = 30_000
    assert (await desk.call("GET", "/v1/balances"))[0] == 200
