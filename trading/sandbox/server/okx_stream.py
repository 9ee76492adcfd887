"""The WebSockets of the OKX v5 dialect: /ws/v5/public, /ws/v5/private and /ws/v5/business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web

from trading.sandbox.server import okx_shapes as shapes
from trading.sandbox.server import okx_swap_shapes as swap_shapes
from trading.sandbox.server.decoding import json_object, text
from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.okx_swap import unrealised_by_asset
from trading.sandbox.server.okx_wire import check_key
from trading.sandbox.server.streams import Render, Session
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import BookDelta, Fill, FundingRate, Order, Position, PublicTrade, VenueEvent

# Book channels that send a snapshot and deltas, with their depth; and those that send a small book each time.
DELTA_BOOKS: Mapping[str, int] = {"books": 400, "books-l2-tbt": 400, "books50-l2-tbt": 50}
SMALL_BOOKS: Mapping[str, int] = {"books5": 5, "bbo-tbt": 1}
TRADES = ("trades", "trades-all")
RATES = ("funding-rate",)
PRIVATE = ("orders", "account", "positions")
MAX_SUBSCRIPTIONS = 240

Arg = tuple[tuple[str, str], ...]  # a subscription's argument, as pairs, so that it can be a key


class OkxRefusal(Exception):
    """An `event: error` answer; the connection stays."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class OkxSession(Session):
    """Subscriptions of one client. A push goes out once per matching subscription argument, as on the exchange."""

    def __init__(self, venue: Venue, socket: web.WebSocketResponse, request: web.Request) -> None:
        super().__init__(venue, socket, request)
        self._args: dict[Arg, str] = {}  # argument -> engine symbol ("" for all)
        self._account = ""
        self._small: dict[tuple[str, str], object] = {}

    @property
    def subscriptions(self) -> int:
        return len(self._args)

    # --- from the engine -------------------------------------------------------------------------------------------

    def on_event(self, event: VenueEvent, render: Render) -> None:
        if isinstance(event, BookDelta):
            self._on_delta(event, render)
        elif isinstance(event, PublicTrade):
            data = [shapes.trade(event, self.venue.clock)]
            for arg in self._matching(TRADES, event.symbol):
                self.push_market("stream.trades", encode({"arg": dict(arg), "data": data}), is_delta=False)
        elif isinstance(event, FundingRate):
            for arg in self._matching(RATES, event.symbol):
                self._push_rate(arg, event)
        elif event.account == self._account:
            if isinstance(event, Order):
                self._on_order(event, None)
                self._on_balance()
            elif isinstance(event, Fill):
                self._on_own_fill(event)
            elif isinstance(event, Position):
                for arg in self._matching(("positions",), event.symbol):
                    self._push_positions(arg, [event])
            else:
                self._on_balance()

    def _matching(self, channels: Iterable[str], symbol: str) -> list[Arg]:
        """Subscriptions of these channels that cover a symbol (empty: the account as a whole)."""
        wanted, kinds = tuple(channels), ("", "ANY", shapes.inst_type(symbol))
        return [
            arg
            for arg, of in self._args.items()
            if (fields := dict(arg))["channel"] in wanted
            and of in ("", symbol)
            and (not symbol or fields.get("instType", "") in kinds)
        ]

    def _push_rate(self, arg: Arg, rate: FundingRate) -> None:
        data = [swap_shapes.funding_rate(rate, self.venue.clock)]
        self.push("stream.funding_rate", encode({"arg": dict(arg), "data": data}))

    def _push_positions(self, arg: Arg, positions: Iterable[Position]) -> None:
        venue = self.venue
        data = [swap_shapes.position(p, venue.exchange.instruments[p.symbol], venue.clock) for p in positions]
        self.push("stream.positions", encode({"arg": dict(arg), "data": data}))

    def _on_delta(self, event: BookDelta, render: Render) -> None:
        for arg in self._matching(DELTA_BOOKS, event.symbol):
            body = render(lambda: self._delta_data(event))
            message = f'{{"arg":{encode(dict(arg))},"action":"update","data":[{body}]}}'
            self.push_market("stream.book", message, is_delta=True)
        for arg in self._matching(SMALL_BOOKS, event.symbol):
            self._push_small(arg, event.symbol)

    def _delta_data(self, event: BookDelta) -> str:
        return encode(
            {
                "asks": shapes.levels(event.asks),
                "bids": shapes.levels(event.bids),
                "ts": str(self.venue.clock.shown_ms(event.ts_ns)),
                "prevSeqId": event.prev_seq,
                "seqId": event.seq,
            }
        )

    def _push_small(self, arg: Arg, symbol: str) -> None:
        channel = dict(arg)["channel"]
        book = self.venue.exchange.book(symbol, SMALL_BOOKS[channel])
        if self._small.get((channel, symbol)) == (book.bids, book.asks):
            return
        self._small[(channel, symbol)] = (book.bids, book.asks)
        data = [{**shapes.book(book, self.venue.clock), "instId": shapes.inst_id(symbol)}]
        self.push_market("stream.book", encode({"arg": dict(arg), "data": data}), is_delta=True)

    def _on_order(self, order: Order, fill: Fill | None) -> None:
        args = self._matching(("orders",), order.symbol)
        if not args:
            return
        venue = self.venue
        fills = venue.exchange.fills(order.account, order_id=order.order_id, limit=1000) if order.filled else []
        if fill is None and fills and fills[-1].ts_ns == order.updated_ns:
            return  # caused by an execution: the execution's own push carries this state
        row = shapes.order(order, venue.exchange.instruments[order.symbol], fills, venue.clock)
        pushed = shapes.order_push(row, fill, venue.clock)
        for arg in args:
            message = encode({"arg": dict(arg), "data": [pushed]})
            if fill is None:
                self.push("stream.orders", message)
            else:
                self.push_fill("stream.fills", message)

    def _on_own_fill(self, fill: Fill) -> None:
        order = self.venue.exchange.order(fill.account, order_id=fill.order_id)
        if order is not None:
            self._on_order(order, fill)

    def _on_balance(self) -> None:
        for arg in self._matching(("account",), ""):
            exchange, account = self.venue.exchange, self._account
            unrealised = unrealised_by_asset(exchange, account)
            data = [shapes.balances(exchange.balances(account), unrealised, self.venue.clock)]
            self.push("stream.account", encode({"arg": dict(arg), "data": data}))

    # --- from the client -------------------------------------------------------------------------------------------

    def on_text(self, text: str) -> None:
        if text == "ping":
            self.push("stream.heartbeat", "pong")
            return
        try:
            self._operate(json_object(text))
        except OkxRefusal as refusal:
            self._answer({"event": "error", "code": refusal.code, "msg": refusal.message})
        except ApiError as error:
            self._answer({"event": "error", "code": "60012", "msg": f"Illegal request: {error.message}"})

    def _answer(self, fields: dict[str, object]) -> None:
        self.push("stream.control", encode({**fields, "connId": f"{id(self) & 0xFFFFFFFF:08x}"}))

    def _operate(self, fields: Mapping[str, object]) -> None:
        op = text(fields, "op")
        args = fields.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            raise OkxRefusal("60012", "Illegal request: args must be a list of objects")
        if op == "login":
            self._login(args[0])
        elif op in ("subscribe", "unsubscribe"):
            for arg in args:
                self._one(op, arg)
        else:
            raise OkxRefusal("60012", "Illegal request: unknown op")

    def _login(self, arg: Mapping[str, object]) -> None:
        try:
            stamp = text(arg, "timestamp")
            if not stamp.isascii() or not stamp.isdigit():
                raise OkxRefusal("60004", "Invalid timestamp")
            sign, key_id, passphrase = (text(arg, name, 128) for name in ("sign", "apiKey", "passphrase"))
            message = (stamp + "GET" + "/users/self/verify").encode()
            key = check_key(self.venue, key_id, passphrase, int(stamp) * 1000, sign, message)
        except ApiError as error:
            codes = {"invalid_key": "60005", "invalid_passphrase": "60024", "timestamp_out_of_window": "60006"}
            raise OkxRefusal(codes.get(error.code, "60009"), f"Login failed. {error.message}") from None
        self._account = key.account
        self._answer({"event": "login", "code": "0", "msg": ""})

    def _one(self, op: str, raw: Mapping[str, object]) -> None:
        arg: Arg = tuple((name, value) for name, value in raw.items() if isinstance(value, str))
        symbol = self._checked(dict(arg))
        if op == "unsubscribe":
            self._args.pop(arg, None)
            self._answer({"event": "unsubscribe", "arg": dict(arg)})
            return
        if len(self._args) >= MAX_SUBSCRIPTIONS:
            raise OkxRefusal("60014", "Requests too frequent")
        self._args[arg] = symbol
        self._answer({"event": "subscribe", "arg": dict(arg)})
        self._first(arg, symbol)

    def _checked(self, fields: Mapping[str, str]) -> str:
        """The engine symbol a subscription is for ("" = all); refuses what does not exist or needs a login."""
        channel, name = fields.get("channel", ""), fields.get("instId", "")
        instruments = self.venue.exchange.instruments
        symbol = shapes.symbol_named(instruments, name)
        if channel in PRIVATE:
            if not self._account:
                raise OkxRefusal("60011", "Please log in")
            if not name:
                return ""
        elif channel not in {**DELTA_BOOKS, **SMALL_BOOKS} and channel not in TRADES + RATES:
            raise OkxRefusal("60018", f"Wrong URL or channel:{channel},instId:{name} doesn't exist.")
        if symbol is None or (channel in RATES and not instruments[symbol].is_perpetual):
            raise OkxRefusal("60018", f"channel:{channel},instId:{name} doesn't exist.")
        return symbol

    def _first(self, arg: Arg, symbol: str) -> None:
        channel = dict(arg)["channel"]
        if channel in DELTA_BOOKS:
            book = self.venue.exchange.book(symbol, DELTA_BOOKS[channel])
            data = {**shapes.book(book, self.venue.clock), "prevSeqId": -1}
            self.push("stream.book", encode({"arg": dict(arg), "action": "snapshot", "data": [data]}))
        elif channel in SMALL_BOOKS:
            self._small.pop((channel, symbol), None)
            self._push_small(arg, symbol)
        elif channel == "account":
            self._on_balance()
        elif channel in RATES:
            self._push_rate(arg, self.venue.exchange.funding_rate(symbol, self.venue.clock.engine_ns()))
        elif channel == "positions":
            self._push_positions(
                arg, [p for p in self.venue.exchange.positions(self._account, symbol or None) if p.size]
            )
