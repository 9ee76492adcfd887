"""Positions, fundings and mark prices of perpetuals in the OKX v5 dialect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from trading.sandbox.exchange import Exchange
from trading.sandbox.server import okx_swap_shapes as shapes
from trading.sandbox.server.decoding import optional_text
from trading.sandbox.server.endpoint import Call, Route
from trading.sandbox.server.errors import bad_parameter
from trading.sandbox.server.newest_first import last_key, page
from trading.sandbox.server.okx_query import cursors, in_time, optional_symbol
from trading.sandbox.server.okx_shapes import inst_id, inst_type
from trading.sandbox.server.okx_trade import API, symbol_of
from trading.sandbox.types import Funding

FUNDING_BILL = "8"


def unrealised_by_asset(exchange: Exchange, account: str) -> Mapping[str, Decimal]:
    """Unrealised P&L of the account's positions, by settle asset."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for value in exchange.positions(account):
        sums[exchange.instruments[value.symbol].quote] += value.unrealised_pnl
    return sums


def get_positions(call: Call) -> object:
    """Open positions; `instId` may name several, separated by commas."""
    names = (optional_text(call.query, "instId", 400) or "").split(",")
    kind = optional_text(call.query, "instType")
    exchange = call.venue.exchange
    return [
        shapes.position(value, exchange.instruments[value.symbol], call.venue.clock)
        for value in exchange.positions(call.account)
        if value.size and kind in (None, inst_type(value.symbol)) and (names == [""] or inst_id(value.symbol) in names)
    ]


def get_bills(call: Call) -> object:
    """Funding payments, newest first, paged by `billId`; bills of other types are not kept."""
    after, before, limit = cursors(call)
    symbol, wanted_time = optional_symbol(call), in_time(call)
    kind, asset = optional_text(call.query, "instType"), optional_text(call.query, "ccy")
    if optional_text(call.query, "type") not in (None, FUNDING_BILL):
        return []
    if optional_text(call.query, "ctType") not in (None, "linear"):
        return []
    exchange, account = call.venue.exchange, call.account

    def rows_after(key: int, count: int) -> list[Funding]:
        return exchange.funding(account, symbol, after_seq=key, limit=count)

    payments = page(
        rows_after,
        lambda value: value.seq,
        lambda value: (
            wanted_time(value.ts_ns) and kind in (None, inst_type(value.symbol)) and asset in (None, value.asset)
        ),
        newest=last_key(lambda key: bool(rows_after(key, 1)), 0),
        after=after,
        before=before,
        limit=limit,
    )
    return [shapes.bill(value, call.venue.clock) for value in payments]


def get_funding_rate(call: Call) -> object:
    """Rate and time of a perpetual's next funding."""
    symbol = _perpetual(call)
    found = call.venue.exchange.funding_rate(symbol, call.venue.clock.engine_ns())
    return [shapes.funding_rate(found, call.venue.clock)]


def get_mark_price(call: Call) -> object:
    """Mark prices, of one perpetual or of all that have one."""
    if optional_text(call.query, "instType") not in (None, "SWAP"):
        return []
    named = [_perpetual(call)] if call.query.get("instId") else _perpetuals(call)
    marks = [(symbol, call.venue.exchange.mark_price(symbol)) for symbol in named]
    return [shapes.mark_price(symbol, mark, call.venue.clock) for symbol, mark in marks if mark is not None]


def _perpetuals(call: Call) -> list[str]:
    return [value.symbol for value in call.venue.exchange.instruments.values() if value.is_perpetual]


def _perpetual(call: Call) -> str:
    symbol = symbol_of(call, call.query)
    if symbol not in _perpetuals(call):
        raise bad_parameter("instId", "a perpetual swap")
    return symbol


ROUTES = (
    Route("GET", f"{API}/account/positions", "positions", "account", True, get_positions),
    Route("GET", f"{API}/account/bills", "funding", "account", True, get_bills),
    Route("GET", f"{API}/account/bills-archive", "funding", "account", True, get_bills),
    Route("GET", f"{API}/public/funding-rate", "funding_rate", "market", False, get_funding_rate),
    Route("GET", f"{API}/public/mark-price", "funding_rate", "market", False, get_mark_price),
)
