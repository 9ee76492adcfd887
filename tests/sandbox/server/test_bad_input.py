"""Whatever comes in: a clear 4xx, nothing changed, the loop alive."""

from __future__ import annotations

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk
from trading.sandbox.server.testing import RunningVenue

NESTED = '{"symbol":' + "[" * 30_000 + "]" * 30_000 + "}"
GOOD = '"symbol":"DCT/USDT","side":"buy","type":"limit","client_order_id":"x"'


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "malformed_body"),
        ("{", "malformed_body"),
        ("[]", "malformed_body"),
        ("null", "malformed_body"),
        (NESTED, "malformed_body"),
        ("{" + GOOD + ',"price":NaN,"size":"1"}', "malformed_body"),
        ("{" + GOOD + ',"price":"1","size":"1","deadline_ms":' + "9" * 5000 + "}", "malformed_body"),
        ("{}", "missing_parameter"),
        ("{" + GOOD + "}", "missing_parameter"),
        ("{" + GOOD + ',"price":0.2693,"size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"NaN","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"Infinity","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"1e-3","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"-0.2693","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"0","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"0.2693","size":"' + "9" * 400 + '"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"٠.٢","size":"1"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"0.2693","size":"10","deadline_ms":"soon"}', "invalid_parameter"),
        ("{" + GOOD + ',"price":"0.2693","size":"10","deadline_ms":true}', "invalid_parameter"),
        ('{"symbol":{"a":1},"side":"buy","type":"limit"}', "invalid_parameter"),
        ('{"symbol":"DCT/USDT","side":"hold","type":"limit"}', "invalid_parameter"),
        ('{"symbol":"DCT/USDT\\u0000","side":"buy","type":"limit"}', "invalid_parameter"),
    ],
)
async def test_bad_bodies(venue: RunningVenue, desk: Desk, raw: str, code: str) -> None:
    before = venue.exchange.export("desk")
    status, answer = await desk.call("POST", "/v1/orders", raw=raw)
    assert (status, answer["error"]["code"]) == (400, code)
    assert venue.exchange.export("desk") == before
    assert (await desk.call("GET", "/v1/balances"))[0] == 200


async def test_a_body_beyond_the_limit(desk: Desk) -> None:
    status, answer = await desk.call("POST", "/v1/orders", raw="{" + " " * 70_000 + "}")
    assert (status, answer["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/order", 400, "missing_parameter"),
        ("GET", "/v1/order?order_id=999", 404, "unknown_order"),
        ("GET", "/v1/order?order_id=%27%3B--", 404, "unknown_order"),
        ("GET", "/v1/order?order_id=" + "9" * 60, 404, "unknown_order"),
        ("GET", "/v1/orders/open?symbol=NO%2FWHERE", 404, "unknown_symbol"),
        ("GET", "/v1/fills?limit=0", 400, "invalid_parameter"),
        ("GET", "/v1/fills?limit=1001", 400, "invalid_parameter"),
        ("GET", "/v1/fills?after=-1", 400, "invalid_parameter"),
        ("GET", "/v1/fills?after=" + "9" * 30, 400, "invalid_parameter"),
        ("GET", "/v1/fills?order_id=abc", 200, None),
        ("DELETE", "/v1/orders?symbol=DCT%2FUSDT", 400, "missing_parameter"),
        ("DELETE", "/v1/orders?symbol=DCT%2FUSDT&order_id=5", 404, "unknown_order"),
        ("DELETE", "/v1/orders/all?symbol=x", 404, "unknown_symbol"),
        ("POST", "/v1/fills", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", 404, "unknown_endpoint"),
        ("GET", "/control/status", 401, "invalid_token"),
    ],
)
async def test_bad_requests(desk: Desk, method: str, path: str, status: int, code: str | None) -> None:
    got, answer = await desk.call(method, path)
    assert (got, answer.get("error", {}).get("code")) == (status, code)


@pytest.mark.parametrize("timeout_s", ["null", "-1", "1e999", "true", '"x"', "3601", "[]"])
async def test_bad_cancel_after(desk: Desk, timeout_s: str) -> None:
    status, _ = await desk.call("POST", "/v1/cancel-after", raw=f'{{"timeout_s":{timeout_s}}}')
    assert status == 400


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        "[]",
        "{}",
        '{"op":"dance"}',
        '{"op":"subscribe"}',
        '{"op":"subscribe","channel":"book"}',
        '{"op":"subscribe","channel":"book","symbol":"NO"}',
        '{"op":"subscribe","channel":"orders"}',
        '{"op":"subscribe","channel":["book"]}',
        '{"op":"login","key":"k","timestamp":"x","signature":"s"}',
        '{"op":"login","key":"k"}',
        '{"op":"dance","id":"\\ud800"}',
    ],
)
async def test_bad_frames_leave_the_stream_open(venue: RunningVenue, http: aiohttp.ClientSession, frame: str) -> None:
    async with http.ws_connect(venue.ws_url) as stream:
        await stream.send_str(frame)
        assert (await stream.receive_json(timeout=3))["type"] == "error"
        await stream.send_str('{"op":"ping","id":9}')
        assert (await stream.receive_json(timeout=3))["id"] == 9
