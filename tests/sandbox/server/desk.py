"""A bare client of the TON-DEX dialect, written from the document alone: the tests' own signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from decimal import Decimal

import aiohttp

from trading.sandbox.server.testing import RunningVenue
from trading.sandbox.types import RecordDepth, RecordTrade, Side

BID, ASK = Decimal("0.269300"), Decimal("0.269400")


def open_market(venue: RunningVenue, bid: Decimal = BID, ask: Decimal = ASK) -> None:
    """A recorded book of one level a side."""
    venue.play(RecordDepth(0, ((bid, Decimal(500)),), ((ask, Decimal(500)),), snapshot=True))


def sell_through(venue: RunningVenue, price: str, size: str) -> None:
    """A recorded print by a seller."""
    venue.play(RecordTrade(0, Side.SELL, Decimal(price), Decimal(size)))


class Desk:
    """Signs and sends; returns (status, JSON)."""

    def __init__(self, session: aiohttp.ClientSession, venue: RunningVenue) -> None:
        self.session = session
        self.venue = venue
        self.key_id, self.secret = venue.key_id, venue.secret
        self.offset_ms = 0
        self.headers: dict[str, str] = {}

    def sign(self, method: str, path: str, body: str = "") -> dict[str, str]:
        timestamp = str(int(time.time() * 1000) + self.offset_ms)
        message = f"{timestamp}\n{method}\n{path}\n{body}".encode()
        digest = hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()
        return {"TDX-KEY": self.key_id, "TDX-TIMESTAMP": timestamp, "TDX-SIGNATURE": digest}

    async def call(self, method: str, path: str, body: object = None, raw: str | None = None) -> tuple[int, dict]:
        from yarl import URL

        text = raw if raw is not None else "" if body is None else json.dumps(body)
        url = URL(self.venue.base_url + path, encoded=True)
        headers = {**self.sign(method, path, text), "Content-Type": "application/json"}
        async with self.session.request(method, url, data=text.encode() or None, headers=headers) as answer:
            self.headers = dict(answer.headers)
            return answer.status, json.loads(await answer.text())

    async def place(self, client_order_id: str, **changes: object) -> tuple[int, dict]:
        order = {
            "symbol": "DCT/USDT",
            "side": "buy",
            "type": "post_only",
            "price": "0.269310",
            "size": "120.0",
            "client_order_id": client_order_id,
            **changes,
        }
        return await self.call("POST", "/v1/orders", order)
