"""The WebSocket of the TON-DEX dialect (docs/sandbox-venue.md sections 7 and 13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from aiohttp import web

from trading.sandbox.server import dex_auth
from trading.sandbox.server import dex_shapes as shapes
from trading.sandbox.server.decoding import json_object, optional_integer, text
from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.errors import ApiError, bad_parameter, from_reject
from trading.sandbox.server.streams import Render, Session
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import (
    BookDelta,
    Fill,
    Funding,
    FundingRate,
    Order,
    Position,
    PublicTrade,
    Reject,
    VenueEvent,
)

PATH = "/v1/stream"
PUBLIC = ("book", "trades", "funding_rate")
PRIVATE = ("orders", "fills", "funding", "positions")
Row = TypeVar("Row", Fill, Funding)
SNAPSHOT_DEPTH = 5000
MAX_MISSED = 2000  # fills or fundings that a subscription replays; more belong to REST pages


class DexSession(Session):
    """Subscriptions of one client."""

    heartbeat_s = 5.0

    def __init__(self, venue: Venue, socket: web.WebSocketResponse, request: web.Request) -> None:
        super().__init__(venue, socket, request)
        self._channels: set[tuple[str, str]] = set()
        self._account = ""

    @property
    def subscriptions(self) -> int:
        return len(self._channels)

    def heartbeat(self) -> str:
        return encode({"type": "heartbeat", "ts_ms": self.venue.clock.venue_ms()})

    def on_event(self, event: VenueEvent, render: Render) -> None:
        clock = self.venue.clock
        if isinstance(event, BookDelta):
            if ("book", event.symbol) in self._channels:
                self.push_market("stream.book", render(lambda: encode(shapes.book_delta(event, clock))), is_delta=True)
        elif isinstance(event, PublicTrade):
            if ("trades", event.symbol) in self._channels:
                message = render(lambda: encode({"type": "trade", **shapes.trade(event, clock)}))
                self.push_market("stream.trades", message, is_delta=False)
        elif isinstance(event, FundingRate):
            if ("funding_rate", event.symbol) in self._channels:
                self.push("stream.funding_rate", render(lambda: self._rate_message(event)))
        elif event.account == self._account:
            self._on_own(event, render)

    def _on_own(self, event: Order | Fill | Position | Funding, render: Render) -> None:
        clock = self.venue.clock
        if isinstance(event, Order):
            if ("orders", "") in self._channels:
                message = render(lambda: encode({"type": "order", "order": shapes.order(event, clock)}))
                self.push("stream.orders", message)
        elif isinstance(event, Fill):
            if ("fills", "") in self._channels:
                self.push_fill("stream.fills", render(lambda: self._fill_message(event)))
        elif isinstance(event, Funding):
            if ("funding", "") in self._channels:
                self.push("stream.funding", render(lambda: self._funding_message(event)))
        elif ("positions", "") in self._channels:
            message = render(lambda: encode({"type": "position", "position": shapes.position(event, clock)}))
            self.push("stream.positions", message)

    def _fill_message(self, fill: Fill) -> str:
        return encode({"type": "fill", "fill": shapes.fill(fill, self.venue.clock)})

    def _funding_message(self, payment: Funding) -> str:
        return encode({"type": "funding", "funding": shapes.funding(payment, self.venue.clock)})

    def _rate_message(self, rate: FundingRate) -> str:
        return encode({"type": "funding_rate", **shapes.funding_rate(rate, self.venue.clock)})

    def on_text(self, text: str) -> None:
        request_id: object = None
        try:
            fields = json_object(text)
            given = fields.get("id")
            request_id = given if isinstance(given, (str, int)) else None
            self._operate(fields, request_id)
        except ApiError as error:
            self._refuse(error, request_id)
        except Reject as reject:
            self._refuse(from_reject(reject), request_id)

    def _refuse(self, error: ApiError, request_id: object) -> None:
        answer = {"type": "error", "id": request_id, "code": error.code, "message": error.message}
        self.push("stream.control", encode(answer))

    def _operate(self, fields: Mapping[str, object], request_id: object) -> None:
        op = text(fields, "op")
        if op == "ping":
            self._reply("pong", request_id, ts_ms=self.venue.clock.venue_ms())
        elif op == "login":
            timestamp = fields.get("timestamp")
            stamp = str(timestamp) if isinstance(timestamp, (str, int)) else ""
            key_id, signature = text(fields, "key"), text(fields, "signature", 128)
            key = dex_auth.check(self.venue, key_id, stamp, signature, "GET", PATH, b"")
            self._account = key.account
            self._reply("logged_in", request_id)
        elif op == "subscribe":
            self._subscribe(fields, request_id)
        elif op == "unsubscribe":
            channel, symbol = self._channel(fields)
            self._channels.discard((channel, symbol))
            self._reply("unsubscribed", request_id, channel=channel, symbol=symbol)
        else:
            raise bad_parameter("op", "one of ping, login, subscribe, unsubscribe")

    def _channel(self, fields: Mapping[str, object]) -> tuple[str, str]:
        channel = text(fields, "channel")
        if channel in PUBLIC:
            symbol = text(fields, "symbol")
            self.venue.instrument(symbol)
            return channel, symbol
        if channel not in PRIVATE:
            raise bad_parameter("channel", "one of " + ", ".join(PUBLIC + PRIVATE))
        if not self._account:
            raise ApiError(401, "login_required", "log in before subscribing to own data")
        return channel, ""

    def _subscribe(self, fields: Mapping[str, object], request_id: object) -> None:
        channel, symbol = self._channel(fields)
        after = optional_integer(fields, "after", 0, 10**15) if channel in ("fills", "funding") else None
        exchange, clock = self.venue.exchange, self.venue.clock
        rate = exchange.funding_rate(symbol, clock.engine_ns()) if channel == "funding_rate" else None
        fills = self._missed(exchange.fills, after, "/v1/fills") if channel == "fills" else []
        fundings = self._missed(exchange.funding, after, "/v1/funding") if channel == "funding" else []
        self._channels.add((channel, symbol))
        self._reply("subscribed", request_id, channel=channel, symbol=symbol)
        if channel == "book":
            snapshot = shapes.book(exchange.book(symbol, SNAPSHOT_DEPTH), clock)
            self.push("stream.book", encode({"type": "book_snapshot", **snapshot}))
        if rate is not None:
            self.push("stream.funding_rate", self._rate_message(rate))
        for fill in fills:
            self.push_fill("stream.fills", self._fill_message(fill))
        for payment in fundings:
            self.push("stream.funding", self._funding_message(payment))

    def _missed(self, history: Callable[..., list[Row]], after: int | None, path: str) -> list[Row]:
        """What lies after a subscription's cursor; nothing without one."""
        missed = [] if after is None else history(self._account, after_seq=after, limit=MAX_MISSED + 1)
        if len(missed) > MAX_MISSED:
            raise ApiError(409, "too_far_behind", f"more than {MAX_MISSED} rows after {after}: read {path} first")
        return missed

    def _reply(self, kind: str, request_id: object, **fields: object) -> None:
        self.push("stream.control", encode({"type": kind, "id": request_id, **fields}))
