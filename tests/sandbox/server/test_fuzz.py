"""Seeded nonsense at every endpoint of both dialects: never a 5xx, never a change, the loop alive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from datetime import UTC, datetime

import aiohttp
import pytest
from yarl import URL

from trading.sandbox.server import dex_rest, okx_rest, okx_swap, okx_trade
from trading.sandbox.server.testing import RunningVenue, running_venue

ODD = [
    "",
    "0",
    "-1",
    "1e400",
    "9" * 40,
    "NaN",
    "null",
    "DCT/USDT",
    "GRAM-USDT",
    "ETH/USDT:USDT",
    "ETH-USDT-SWAP",
    "SWAP",
    "%FF",
    "%00",
    "a" * 300,
    "buy",
    "limit",
]
KEYS = ["symbol", "instId", "side", "type", "ordType", "price", "px", "size", "sz", "client_order_id", "clOrdId"]
KEYS += ["order_id", "ordId", "after", "before", "limit", "depth", "timeout_s", "timeOut", "deadline_ms", "expTime"]
KEYS += ["instType", "tdMode", "newPx", "newSz", "since_ms", "begin", "end", "state", "ccy"]
KEYS += ["posSide", "reduceOnly", "uly", "instFamily", "ctType"]
VALUES: list[object] = [*ODD, None, True, 0, -1, 1.5, 10**30, [], {}, [[]], {"a": 1}, "\u0000", "\ud800", "٣"]


def headers_for(venue: RunningVenue, method: str, path: str, body: str) -> dict[str, str]:
    """Right signatures, so that the nonsense gets past the door."""
    key = venue.secret.encode()
    if venue.venue.name == "dex":
        stamp = str(int(time.time() * 1000))
        digest = hmac.new(key, f"{stamp}\n{method}\n{path}\n{body}".encode(), hashlib.sha256).hexdigest()
        return {"TDX-KEY": venue.key_id, "TDX-TIMESTAMP": stamp, "TDX-SIGNATURE": digest}
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sign = base64.b64encode(hmac.new(key, f"{stamp}{method}{path}{body}".encode(), hashlib.sha256).digest()).decode()
    return {
        "OK-ACCESS-KEY": venue.key_id,
        "OK-ACCESS-PASSPHRASE": venue.passphrase,
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-SIGN": sign,
    }


def nonsense(dice: random.Random) -> tuple[str, str]:
    """A query and a body."""
    query = "&".join(f"{dice.choice(KEYS)}={dice.choice(ODD)}" for _ in range(dice.randrange(5))).replace("/", "%2F")
    fields: object = {dice.choice(KEYS): dice.choice(VALUES) for _ in range(dice.randrange(9))}
    body = json.dumps([fields] * dice.randrange(3) if dice.random() < 0.2 else fields)
    return query, body[: dice.randrange(len(body))] if dice.random() < 0.1 else body


@pytest.mark.parametrize("dialect", ["dex", "cex"])
async def test_nonsense(dialect: str) -> None:
    dice = random.Random(11)
    routes = dex_rest.ROUTES if dialect == "dex" else okx_trade.ROUTES + okx_rest.ROUTES + okx_swap.ROUTES
    statuses: set[int] = set()
    markets = ["DCT/USDT", "GRAM/USDT", "ETH/USDT:USDT"]
    async with running_venue(dialect, markets=markets) as venue, aiohttp.ClientSession() as http:
        before = venue.exchange.export("desk")
        for _ in range(40):
            for route in routes:
                query, body = nonsense(dice)
                path = f"{route.path}?{query}" if route.method != "POST" and query else route.path
                sent = body if route.method in ("POST", "PUT") else ""
                headers = headers_for(venue, route.method, path, sent)
                url = URL(venue.base_url + path, encoded=True)
                async with http.request(route.method, url, data=sent.encode() or None, headers=headers) as answer:
                    statuses.add(answer.status)
                    told = await answer.text()
                    assert answer.status < 500, (route.method, path, sent, told)
                    json.loads(told)
        assert venue.exchange.export("desk") == before
    assert {200, 400} <= statuses
    assert 401 not in statuses


async def test_an_okx_id_that_is_no_text_comes_back_in_its_row() -> None:
    body = '[{"instId":"GRAM-USDT","clOrdId":"\\ud800"}]'
    async with running_venue("cex") as venue, aiohttp.ClientSession() as http:
        headers = headers_for(venue, "POST", "/api/v5/trade/batch-orders", body)
        url = venue.base_url + "/api/v5/trade/batch-orders"
        async with http.post(url, data=body.encode(), headers=headers) as answer:
            told = json.loads(await answer.text())
    assert (told["code"], told["data"][0]["sCode"], told["data"][0]["clOrdId"]) == ("1", "50014", "\ud800")
