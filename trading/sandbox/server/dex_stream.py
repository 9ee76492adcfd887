"""The WebSocket of the TON-DEX dialect (docs/sandbox-venue.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from trading.sandbox.server import dex_auth
from trading.sandbox.server import dex_shapes as shapes
from trading.sandbox.server.decoding import json_object, optional_integer, text
from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.errors import ApiError, bad_parameter
from trading.sandbox.server.streams import Render, Session
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import BookDelta, Fill, Order, PublicTrade, VenueEvent

PATH = "/v1/stream"
PUBLIC = ("book", "trades")
PRIVATE = ("orders", "fills")
SNAPSHOT_DEPTH = 5000
MAX_MISSED = 2000  # fills that a subscription replays; more belong to REST pages


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
        elif event.account != self._account:
            return
        elif isinstance(event, Order):
            if ("orders", "") in self._channels:
                message = render(lambda: encode({"type": "order", "order": shapes.order(event, clock)}))
                self.push("stream.orders", message)
        elif isinstance(event, Fill) and ("fills", "") in self._channels:
            self.push_fill("stream.fills", render(lambda: self._fill_message(event)))

    def _fill_message(self, fill: Fill) -> str:
        return encode({"type": "fill", "fill": shapes.fill(fill, self.venue.clock)})

    def on_text(self, text: str) -> None:
        request_id: object = None
        try:
            fields = json_object(text)
            given = fields.get("id")
            request_id = given if isinstance(given, (str, int)) else None
            self._operate(fields, request_id)
        except ApiError as error:
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
        after = optional_integer(fields, "after", 0, 10**15) if channel == "fills" else None
        missed = [] if after is None else self._missed_fills(after)
        self._channels.add((channel, symbol))
        self._reply("subscribed", request_id, channel=channel, symbol=symbol)
        if channel == "book":
            snapshot = shapes.book(self.venue.exchange.book(symbol, SNAPSHOT_DEPTH), self.venue.clock)
            self.push("stream.book", encode({"type": "book_snapshot", **snapshot}))
        for fill in missed:
            self.push_fill("stream.fills", self._fill_message(fill))

    def _missed_fills(self, after: int) -> list[Fill]:
        missed = self.venue.exchange.fills(self._account, after_seq=after, limit=MAX_MISSED + 1)
        if len(missed) > MAX_MISSED:
            raise ApiError(409, "too_far_behind", f"more than {MAX_MISSED} fills after {after}: read /v1/fills first")
        return missed

    def _reply(self, kind: str, request_id: object, **fields: object) -> None:
        self.push("stream.control", encode({"type": kind, "id": request_id, **fields}))
