"""REST endpoints of the TON-DEX dialect: each decodes, calls the engine once, and shapes the answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading.sandbox.server import dex_shapes as shapes
from trading.sandbox.server.decoding import (
    integer,
    json_object,
    money,
    optional_integer,
    optional_money,
    optional_text,
    seconds,
    text,
)
from trading.sandbox.server.endpoint import Call, Route
from trading.sandbox.server.errors import ApiError, bad_parameter, missing_parameter
from trading.sandbox.types import OrderType, PlaceOrder, Side

MAX_SEQ = 10**15
MAX_MS = 10**14
MAX_CANCEL_AFTER_S = 3600.0


def get_time(call: Call) -> object:
    """The venue's clock."""
    return {"time_ms": call.venue.clock.venue_ms()}


def get_markets(call: Call) -> object:
    """Every market with its rules, fees and limits."""
    venue = call.venue
    markets = [shapes.market(i, venue.labels.get(i.symbol, "")) for i in venue.exchange.instruments.values()]
    scale = venue.throttle.scale
    limits = {n: {"requests": v.requests, "per_s": v.per_s} for n, v in venue.throttle.limits.items()} if scale else {}
    return {"venue": venue.name, "markets": markets, "rate_limits": limits}


def get_book(call: Call) -> object:
    """The published book, best first."""
    symbol = text(call.query, "symbol")
    depth = integer(call.query, "depth", 1, 5000, 100)
    call.venue.instrument(symbol)
    return shapes.book(call.venue.exchange.book(symbol, depth), call.venue.clock)


def get_trades(call: Call) -> object:
    """Latest prints, oldest first."""
    symbol = text(call.query, "symbol")
    limit = integer(call.query, "limit", 1, 1000, 100)
    call.venue.instrument(symbol)
    trades = call.venue.exchange.recent_trades(symbol, limit)
    return {"trades": [shapes.trade(value, call.venue.clock) for value in trades]}


def _choice(fields: Mapping[str, object], name: str, kind: type[Side] | type[OrderType]) -> str:
    value = text(fields, name)
    if value not in list(kind):
        raise bad_parameter(name, "one of " + ", ".join(kind))
    return value


def _deadline_ns(call: Call, fields: Mapping[str, object]) -> int | None:
    deadline_ms = optional_integer(fields, "deadline_ms", 0, MAX_MS)
    return None if deadline_ms is None else call.venue.clock.from_venue_ms(deadline_ms)


def _order_reference(fields: Mapping[str, object]) -> tuple[str | None, str | None]:
    order_id, client_id = optional_text(fields, "order_id"), optional_text(fields, "client_order_id")
    if order_id is None and client_id is None:
        raise missing_parameter("order_id or client_order_id")
    return (order_id, None) if order_id is not None else (None, client_id)


def _known_symbol(call: Call, fields: Mapping[str, object], limit: str) -> str:
    symbol = text(fields, "symbol")
    call.venue.instrument(symbol)
    call.venue.throttle.take(call.caller, limit, symbol)
    return symbol


def _optional_symbol(call: Call) -> str | None:
    symbol = optional_text(call.query, "symbol")
    if symbol is not None:
        call.venue.instrument(symbol)
    return symbol


def place(call: Call) -> object:
    """Place one order."""
    fields = json_object(call.body)
    symbol = _known_symbol(call, fields, "place")
    wanted = PlaceOrder(
        symbol=symbol,
        side=Side(_choice(fields, "side", Side)),
        type=OrderType(_choice(fields, "type", OrderType)),
        price=money(fields, "price"),
        size=money(fields, "size"),
        client_order_id=text(fields, "client_order_id"),
        deadline_ns=_deadline_ns(call, fields),
    )
    placed = call.venue.exchange.place(call.account, wanted, call.venue.clock.engine_ns())
    return {"order": shapes.order(placed, call.venue.clock)}


def amend(call: Call) -> object:
    """Change an open order's price or total size."""
    fields = json_object(call.body)
    symbol = _known_symbol(call, fields, "amend")
    order_id, client_id = _order_reference(fields)
    price: Decimal | None = optional_money(fields, "price")
    size: Decimal | None = optional_money(fields, "size")
    if price is None and size is None:
        raise ApiError(400, "nothing_to_amend", "price or size is required")
    amended = call.venue.exchange.amend(
        call.account,
        symbol,
        order_id=order_id,
        client_order_id=client_id,
        new_price=price,
        new_size=size,
        deadline_ns=_deadline_ns(call, fields),
        now_ns=call.venue.clock.engine_ns(),
    )
    return {"order": shapes.order(amended, call.venue.clock)}


def cancel(call: Call) -> object:
    """Cancel one open order."""
    symbol = _known_symbol(call, call.query, "cancel")
    order_id, client_id = _order_reference(call.query)
    now_ns = call.venue.clock.engine_ns()
    cancelled = call.venue.exchange.cancel(
        call.account, symbol, order_id=order_id, client_order_id=client_id, now_ns=now_ns
    )
    return {"order": shapes.order(cancelled, call.venue.clock)}


def cancel_all(call: Call) -> object:
    """Cancel every open order, of one market or of all."""
    symbol = _optional_symbol(call)
    cancelled = call.venue.exchange.cancel_all(call.account, symbol, call.venue.clock.engine_ns())
    return {"orders": [shapes.order(value, call.venue.clock) for value in cancelled]}


def cancel_after(call: Call) -> object:
    """Arm, re-arm or disarm the dead man's switch."""
    timeout_s = seconds(json_object(call.body), "timeout_s", MAX_CANCEL_AFTER_S)
    trigger_ns = call.venue.exchange.cancel_after(call.account, timeout_s or None, call.venue.clock.engine_ns())
    return {"trigger_ms": None if trigger_ns is None else call.venue.clock.shown_ms(trigger_ns)}


def get_order(call: Call) -> object:
    """One order, open or done."""
    order_id, client_id = _order_reference(call.query)
    found = call.venue.exchange.order(call.account, order_id=order_id, client_order_id=client_id)
    if found is None:
        raise ApiError(404, "unknown_order", "no such order")
    return {"order": shapes.order(found, call.venue.clock)}


def open_orders(call: Call) -> object:
    """Open orders, oldest first."""
    orders = call.venue.exchange.open_orders(call.account, _optional_symbol(call))
    return {"orders": [shapes.order(value, call.venue.clock) for value in orders]}


def order_history(call: Call) -> object:
    """All orders after a cursor, oldest first."""
    after, limit = _page(call)
    orders = call.venue.exchange.order_history(call.account, _optional_symbol(call), after, limit)
    rows = [shapes.order(value, call.venue.clock) for value in orders]
    return {"orders": rows, "next_after": int(orders[-1].order_id) if orders else after}


def _page(call: Call) -> tuple[int, int]:
    return integer(call.query, "after", 0, MAX_SEQ, 0), integer(call.query, "limit", 1, 1000, 100)


def _since_ns(call: Call) -> int | None:
    since_ms = optional_integer(call.query, "since_ms", 0, MAX_MS)
    return None if since_ms is None else call.venue.clock.from_venue_ms(since_ms)


def get_fills(call: Call) -> object:
    """Own fills after a cursor, oldest first."""
    after, limit = _page(call)
    fills = call.venue.exchange.fills(
        call.account,
        _optional_symbol(call),
        after_seq=after,
        since_ns=_since_ns(call),
        order_id=optional_text(call.query, "order_id"),
        limit=limit,
    )
    rows = [shapes.fill(value, call.venue.clock) for value in fills]
    return {"fills": rows, "next_after": fills[-1].seq if fills else after}


def get_balances(call: Call) -> object:
    """Balances with what orders hold."""
    return {"balances": [shapes.balance(value) for value in call.venue.exchange.balances(call.account)]}


def get_transfers(call: Call) -> object:
    """Booked deposits and withdrawals after a cursor."""
    after, limit = _page(call)
    transfers = call.venue.exchange.transfers(call.account, after, limit)
    rows = [shapes.transfer(value, call.venue.clock) for value in transfers]
    return {"transfers": rows, "next_after": transfers[-1].seq if transfers else after}


def get_positions(call: Call) -> object:
    """Positions in perpetuals ever traded."""
    positions = call.venue.exchange.positions(call.account, _optional_symbol(call))
    return {"positions": [shapes.position(value, call.venue.clock) for value in positions]}


def get_funding(call: Call) -> object:
    """Funding payments after a cursor, oldest first."""
    after, limit = _page(call)
    payments = call.venue.exchange.funding(
        call.account, _optional_symbol(call), after_seq=after, since_ns=_since_ns(call), limit=limit
    )
    rows = [shapes.funding(value, call.venue.clock) for value in payments]
    return {"funding": rows, "next_after": payments[-1].seq if payments else after}


def get_funding_rate(call: Call) -> object:
    """Rate and time of a perpetual's next funding."""
    symbol = text(call.query, "symbol")
    found = call.venue.exchange.funding_rate(symbol, call.venue.clock.engine_ns())
    return shapes.funding_rate(found, call.venue.clock)


def get_export(call: Call) -> object:
    """Everything of the account in one consistent view."""
    return call.venue.exchange.export(call.account)


ROUTES = (
    Route("GET", "/v1/time", "time", "market", False, get_time),
    Route("GET", "/v1/markets", "markets", "market", False, get_markets),
    Route("GET", "/v1/book", "book", "market", False, get_book),
    Route("GET", "/v1/trades", "trades", "market", False, get_trades),
    Route("POST", "/v1/orders", "place", "", True, place),
    Route("PUT", "/v1/orders", "amend", "", True, amend),
    Route("DELETE", "/v1/orders", "cancel", "", True, cancel),
    Route("DELETE", "/v1/orders/all", "cancel_all", "cancel_all", True, cancel_all),
    Route("POST", "/v1/cancel-after", "cancel_after", "cancel_after", True, cancel_after),
    Route("GET", "/v1/order", "order", "read", True, get_order),
    Route("GET", "/v1/orders/open", "open_orders", "read", True, open_orders),
    Route("GET", "/v1/orders/history", "order_history", "read", True, order_history),
    Route("GET", "/v1/fills", "fills", "read", True, get_fills),
    Route("GET", "/v1/balances", "balances", "read", True, get_balances),
    Route("GET", "/v1/transfers", "transfers", "read", True, get_transfers),
    Route("GET", "/v1/positions", "positions", "read", True, get_positions),
    Route("GET", "/v1/funding", "funding", "read", True, get_funding),
    Route("GET", "/v1/funding-rate", "funding_rate", "market", False, get_funding_rate),
    Route("GET", "/v1/export", "export", "export", True, get_export),
)
