"""Market data, histories and balances of the OKX v5 dialect."""

from __future__ import annotations

from trading.sandbox.server import okx_shapes as shapes
from trading.sandbox.server.decoding import integer, optional_integer, optional_text, text
from trading.sandbox.server.endpoint import Call, Route
from trading.sandbox.server.errors import ApiError, bad_parameter
from trading.sandbox.server.newest_first import last_key, page
from trading.sandbox.server.okx_query import MAX_MS, cursors, in_time, of_kind, optional_symbol
from trading.sandbox.server.okx_swap import unrealised_by_asset
from trading.sandbox.server.okx_trade import API, reference, symbol_of
from trading.sandbox.types import Fill, Order, OrderStatus

DONE = {"filled": OrderStatus.FILLED, "canceled": OrderStatus.CANCELLED}


def get_time(call: Call) -> object:
    """The venue's clock."""
    return [{"ts": str(call.venue.clock.venue_ms())}]


def get_status(call: Call) -> object:
    """Maintenance around: none, ever."""
    del call
    return []  # no maintenance around


def get_instruments(call: Call) -> object:
    """Spot instruments and perpetuals (SWAP); other kinds are empty."""
    kind = text(call.query, "instType")
    if kind not in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType", "SPOT, MARGIN, SWAP, FUTURES or OPTION")
    call.venue.throttle.take(call.caller, "instruments", kind)  # the exchange's rule: per address and kind
    listed = [value for value in call.venue.exchange.instruments.values() if shapes.inst_type(value.symbol) == kind]
    if not listed:
        return []
    wanted = optional_symbol(call)
    return [shapes.instrument(value) for value in listed if wanted in (None, value.symbol)]


def get_books(call: Call) -> object:
    """The published book."""
    symbol = symbol_of(call, call.query)
    depth = integer(call.query, "sz", 1, 5000, 1)
    return [shapes.book(call.venue.exchange.book(symbol, depth), call.venue.clock)]


def get_trades(call: Call) -> object:
    """Latest prints, newest first."""
    symbol = symbol_of(call, call.query)
    limit = integer(call.query, "limit", 1, 500, 100)
    trades = call.venue.exchange.recent_trades(symbol, limit)
    return [shapes.trade(value, call.venue.clock) for value in reversed(trades)]


def get_ticker(call: Call) -> object:
    """Best prices and last print of one market."""
    return [_ticker(call, symbol_of(call, call.query))]


def get_tickers(call: Call) -> object:
    """The same of all markets."""
    kind = text(call.query, "instType")
    return [_ticker(call, symbol) for symbol in call.venue.exchange.instruments if shapes.inst_type(symbol) == kind]


def _ticker(call: Call, symbol: str) -> shapes.Row:
    last = call.venue.exchange.recent_trades(symbol, 1)
    return shapes.ticker(symbol, call.venue.exchange.book(symbol, 1), last[-1] if last else None, call.venue.clock)


def order_row(call_venue: Call, value: Order) -> shapes.Row:
    """An order with its fee and last execution."""
    venue = call_venue.venue
    fills: list[Fill] = []
    if value.filled:
        fills = venue.exchange.fills(call_venue.account, order_id=value.order_id, limit=1000)
    return shapes.order(value, venue.exchange.instruments[value.symbol], fills, venue.clock)


def get_order(call: Call) -> object:
    """One order, open or done."""
    symbol = symbol_of(call, call.query)
    order_id, client_id = reference(call.query)
    found = call.venue.exchange.order(call.account, order_id=order_id, client_order_id=client_id)
    if found is None or found.symbol != symbol:
        raise ApiError(404, "unknown_order", "Order does not exist")
    return [order_row(call, found)]


def get_pending(call: Call) -> object:
    """Open orders, newest first."""
    after, before, limit = cursors(call)
    orders, wanted = call.venue.exchange.open_orders(call.account, optional_symbol(call)), of_kind(call)
    kept = [
        value
        for value in reversed(orders)
        if wanted(value.symbol)
        and (after is None or int(value.order_id) < after)
        and (before is None or int(value.order_id) > before)
    ]
    return [order_row(call, value) for value in kept[:limit]]


def get_order_history(call: Call) -> object:
    """Done orders, newest first."""
    after, before, limit = cursors(call)
    symbol, state = optional_symbol(call), optional_text(call.query, "state")
    kind, wanted_time = of_kind(call), in_time(call)
    if state is not None and state not in DONE:
        raise bad_parameter("state", "filled or canceled")
    wanted = {DONE[state]} if state is not None else set(DONE.values())
    exchange, account = call.venue.exchange, call.account

    def rows_after(key: int, count: int) -> list[Order]:
        return exchange.order_history(account, symbol, key, count)

    orders = page(
        rows_after,
        lambda value: int(value.order_id),
        lambda value: value.status in wanted and kind(value.symbol) and wanted_time(value.created_ns),
        newest=last_key(lambda key: bool(rows_after(key, 1)), 0),
        after=after,
        before=before,
        limit=limit,
    )
    return [order_row(call, value) for value in orders]


def get_fills(call: Call) -> object:
    """Own fills, newest first, paged by `billId`."""
    after, before, limit = cursors(call)
    symbol, order_id = optional_symbol(call), optional_text(call.query, "ordId")
    kind, wanted_time = of_kind(call), in_time(call)
    exchange, account = call.venue.exchange, call.account

    def rows_after(key: int, count: int) -> list[Fill]:
        return exchange.fills(account, symbol, after_seq=key, order_id=order_id, limit=count)

    fills = page(
        rows_after,
        lambda value: value.seq,
        lambda value: kind(value.symbol) and wanted_time(value.ts_ns),
        newest=last_key(lambda key: bool(rows_after(key, 1)), 0),
        after=after,
        before=before,
        limit=limit,
    )
    return [shapes.fill_row(value, call.venue.clock) for value in fills]


def get_balance(call: Call) -> object:
    """The trading account."""
    wanted = (optional_text(call.query, "ccy", 200) or "").split(",")
    held = call.venue.exchange.balances(call.account)
    kept = [value for value in held if wanted == [""] or value.asset in wanted]
    return [shapes.balances(kept, unrealised_by_asset(call.venue.exchange, call.account), call.venue.clock)]


def get_funding_balances(call: Call) -> object:
    """The funding account, which holds nothing here."""
    del call
    return []  # everything is in the trading account


def get_config(call: Call) -> object:
    """The account's configuration: spot only, or with perpetuals."""
    swaps = any(value.is_perpetual for value in call.venue.exchange.instruments.values())
    return [
        {
            "uid": call.account,
            "mainUid": call.account,
            "acctLv": "2" if swaps else "1",
            "posMode": "net_mode",
            "level": "Lv1",
            "perm": "read_only,trade",
            "acctStpMode": "cancel_maker",
        }
    ]


def get_trade_fee(call: Call) -> object:
    """Fee rates; negative = paid. A perpetual may be named by its underlying."""
    kind = text(call.query, "instType") if "instType" in call.query else "SPOT"
    wanted = optional_symbol(call)
    underlying = optional_text(call.query, "uly") or optional_text(call.query, "instFamily")
    listed = [
        value
        for value in call.venue.exchange.instruments.values()
        if wanted == value.symbol
        or (wanted is None and shapes.inst_type(value.symbol) == kind and underlying in (None, shapes.family(value)))
    ]
    return [shapes.trade_fee(value, call.venue.clock) for value in listed[:1]]


def get_currencies(call: Call) -> object:
    """Assets of all markets."""
    listed = call.venue.exchange.instruments.values()
    assets = sorted({asset for value in listed for asset in (value.base, value.quote)})
    return [shapes.currency(asset) for asset in assets]


def _transfers(call: Call, sign: int) -> object:
    asset, limit = optional_text(call.query, "ccy"), integer(call.query, "limit", 1, 100, 100)
    after = optional_integer(call.query, "after", 0, MAX_MS)
    before = optional_integer(call.query, "before", 0, MAX_MS)
    shown = call.venue.clock.shown_ms
    kept = [
        value
        for value in call.venue.exchange.transfers(call.account, limit=1000)
        if value.amount * sign > 0
        and asset in (None, value.asset)
        and (after is None or shown(value.ts_ns) < after)
        and (before is None or shown(value.ts_ns) > before)
    ]
    return [shapes.transfer(value, call.venue.clock) for value in reversed(kept)][:limit]


def get_deposits(call: Call) -> object:
    """Booked deposits, newest first."""
    return _transfers(call, 1)


def get_withdrawals(call: Call) -> object:
    """Booked withdrawals, newest first."""
    return _transfers(call, -1)


def get_export(call: Call) -> object:
    """Everything of the account in one consistent view (not of the exchange's API)."""
    return [call.venue.exchange.export(call.account)]


ROUTES = (
    Route("GET", f"{API}/public/time", "time", "time", False, get_time),
    Route("GET", f"{API}/system/status", "status", "time", False, get_status),
    Route("GET", f"{API}/public/instruments", "markets", "", False, get_instruments),
    Route("GET", f"{API}/market/books", "book", "market", False, get_books),
    Route("GET", f"{API}/market/books-full", "book", "market", False, get_books),
    Route("GET", f"{API}/market/trades", "trades", "market", False, get_trades),
    Route("GET", f"{API}/market/history-trades", "trades", "market", False, get_trades),
    Route("GET", f"{API}/market/ticker", "ticker", "market", False, get_ticker),
    Route("GET", f"{API}/market/tickers", "ticker", "market", False, get_tickers),
    Route("GET", f"{API}/trade/order", "order", "read", True, get_order),
    Route("GET", f"{API}/trade/orders-pending", "open_orders", "read", True, get_pending),
    Route("GET", f"{API}/trade/orders-history", "order_history", "history", True, get_order_history),
    Route("GET", f"{API}/trade/orders-history-archive", "order_history", "history", True, get_order_history),
    Route("GET", f"{API}/trade/fills", "fills", "read", True, get_fills),
    Route("GET", f"{API}/trade/fills-history", "fills", "fills_history", True, get_fills),
    Route("GET", f"{API}/account/balance", "balances", "account", True, get_balance),
    Route("GET", f"{API}/account/config", "config", "account", True, get_config),
    Route("GET", f"{API}/account/instruments", "markets", "", True, get_instruments),
    Route("GET", f"{API}/account/trade-fee", "config", "account", True, get_trade_fee),
    Route("GET", f"{API}/asset/currencies", "currencies", "asset", True, get_currencies),
    Route("GET", f"{API}/asset/balances", "balances", "asset", True, get_funding_balances),
    Route("GET", f"{API}/asset/deposit-history", "transfers", "asset", True, get_deposits),
    Route("GET", f"{API}/asset/withdrawal-history", "transfers", "asset", True, get_withdrawals),
    Route("GET", f"{API}/sandbox/export", "export", "export", True, get_export),
)
