"""Engine values as OKX v5 writes them: every value a string, fees negative when paid, `instId` with a dash."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from decimal import Decimal

from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.dex_shapes import plain
from trading.sandbox.types import (
    Balance,
    BookSnapshot,
    Fill,
    Instrument,
    Order,
    OrderStatus,
    OrderType,
    PublicTrade,
    Transfer,
)

Row = dict[str, object]

STATES = {
    OrderStatus.OPEN: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "canceled",
}
ORDER_TYPES = {OrderType.LIMIT: "limit", OrderType.POST_ONLY: "post_only", OrderType.IOC: "ioc"}
# cancelSource of the exchange: 1 by the user, 20 cancel-all-after, 32 self-trade prevention, 14 IOC remainder, 0 system
CANCEL_SOURCES = {"user": "1", "cancel_after": "20", "self_trade": "32", "ioc": "14", "admin": "0"}


def inst_id(symbol: str) -> str:
    """The dialect's name of a market."""
    return symbol.replace("/", "-")


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """`[price, size, "0", orders]`; the number of orders is not modelled and says 1 (0 for a removed level)."""
    return [[plain(price), plain(size), "0", "1" if size else "0"] for price, size in side]


def instrument(value: Instrument) -> Row:
    """A spot instrument."""
    return {
        "instType": "SPOT",
        "instId": inst_id(value.symbol),
        "instIdCode": zlib.crc32(value.symbol.encode()),
        "baseCcy": value.base,
        "quoteCcy": value.quote,
        "settleCcy": "",
        "uly": "",
        "instFamily": "",
        "category": "1",
        "tickSz": plain(value.tick),
        "lotSz": plain(value.lot_step),
        "minSz": plain(value.min_size),
        "maxLmtSz": "999999999999",
        "maxMktSz": "1000000",
        "maxLmtAmt": "20000000",
        "lever": "",
        "state": "live",
        "listTime": "1767225600000",
        "expTime": "",
        "ctVal": "",
        "ctMult": "",
        "ctValCcy": "",
        "ctType": "",
        "optType": "",
        "stk": "",
        "alias": "",
        "ruleType": "normal",
    }


def order(value: Order, instrument: Instrument, fills: Iterable[Fill], clock: VenueClock) -> Row:
    """An own order. `fills` are its fills, for the accumulated fee and the last execution."""
    fee, last = Decimal(0), None
    for last in fills:
        fee -= last.fee
    side_asset = instrument.base if value.side.value == "buy" else instrument.quote
    rest = dict.fromkeys(_EMPTY_ORDER_FIELDS, "")
    return {
        **rest,
        "instType": "SPOT",
        "instId": inst_id(value.symbol),
        "ordId": value.order_id,
        "clOrdId": value.client_order_id,
        "side": value.side.value,
        "posSide": "net",
        "tdMode": "cash",
        "ordType": ORDER_TYPES[value.type],
        "px": plain(value.price),
        "sz": plain(value.size),
        "accFillSz": plain(value.filled),
        "avgPx": "" if value.avg_price is None else plain(value.avg_price),
        "state": STATES[value.status],
        "cTime": str(clock.shown_ms(value.created_ns)),
        "uTime": str(clock.shown_ms(value.updated_ns)),
        "fee": plain(fee),
        "feeCcy": last.fee_asset if last is not None else side_asset,
        "rebate": "0",
        "rebateCcy": instrument.quote,
        "tradeId": last.trade_id if last is not None else "",
        "fillPx": plain(last.price) if last is not None else "",
        "fillSz": plain(last.size) if last is not None else "0",
        "fillTime": str(clock.shown_ms(last.ts_ns)) if last is not None else "",
        "cancelSource": CANCEL_SOURCES.get(value.cancel_reason, "0") if value.status is OrderStatus.CANCELLED else "",
        "category": "normal",
        "reduceOnly": "false",
        "pnl": "0",
        "stpMode": "cancel_maker",
    }


_EMPTY_ORDER_FIELDS = (
    "algoClOrdId",
    "algoId",
    "cancelSourceReason",
    "ccy",
    "lever",
    "quickMgnType",
    "slOrdPx",
    "slTriggerPx",
    "slTriggerPxType",
    "source",
    "tag",
    "tgtCcy",
    "tpOrdPx",
    "tpTriggerPx",
    "tpTriggerPxType",
)


def order_push(row: Row, fill: Fill | None, clock: VenueClock) -> Row:
    """The same order as the orders channel pushes it: execution fields only when this push is an execution."""
    pushed = dict(row)
    pushed.update({"code": "0", "msg": "", "reqId": "", "amendResult": "", "notionalUsd": "", "fillNotionalUsd": ""})
    pushed.update(
        {
            "tradeId": fill.trade_id if fill else "",
            "fillPx": plain(fill.price) if fill else "",
            "fillSz": plain(fill.size) if fill else "0",
            "fillTime": str(clock.shown_ms(fill.ts_ns)) if fill else "",
            "fillFee": plain(-fill.fee) if fill else "0",
            "fillFeeCcy": fill.fee_asset if fill else "",
            "execType": _exec_type(fill) if fill else "",
            "billId": str(fill.seq) if fill else "",
        }
    )
    return pushed


def _exec_type(fill: Fill) -> str:
    return "M" if fill.liquidity == "maker" else "T"


def fill_row(value: Fill, clock: VenueClock) -> Row:
    """An own fill; `billId` is its sequence number, the paging cursor."""
    stamp = str(clock.shown_ms(value.ts_ns))
    return {
        "instType": "SPOT",
        "instId": inst_id(value.symbol),
        "tradeId": value.trade_id,
        "ordId": value.order_id,
        "clOrdId": value.client_order_id,
        "billId": str(value.seq),
        "tag": "",
        "fillPx": plain(value.price),
        "fillSz": plain(value.size),
        "side": value.side.value,
        "posSide": "net",
        "execType": _exec_type(value),
        "fee": plain(-value.fee),
        "feeCcy": value.fee_asset,
        "feeRate": "",
        "subType": "1" if value.side.value == "buy" else "2",
        "fillTime": stamp,
        "ts": stamp,
    }


def trade(value: PublicTrade, clock: VenueClock) -> Row:
    """A public print; `side` is the taker's."""
    return {
        "instId": inst_id(value.symbol),
        "tradeId": value.trade_id,
        "px": plain(value.price),
        "sz": plain(value.size),
        "side": value.side.value,
        "source": "0",
        "count": "1",
        "ts": str(clock.shown_ms(value.ts_ns)),
    }


def book(value: BookSnapshot, clock: VenueClock) -> Row:
    """A book for REST."""
    return {
        "asks": levels(value.asks),
        "bids": levels(value.bids),
        "ts": str(clock.shown_ms(value.ts_ns)),
        "seqId": value.seq,
    }


def ticker(symbol: str, top: BookSnapshot, last: PublicTrade | None, clock: VenueClock) -> Row:
    """Best prices and the last print; 24 h figures are not kept."""
    bid, ask = (top.bids[0] if top.bids else None), (top.asks[0] if top.asks else None)
    return {
        "instType": "SPOT",
        "instId": inst_id(symbol),
        "last": plain(last.price) if last else "",
        "lastSz": plain(last.size) if last else "",
        "bidPx": plain(bid[0]) if bid else "",
        "bidSz": plain(bid[1]) if bid else "",
        "askPx": plain(ask[0]) if ask else "",
        "askSz": plain(ask[1]) if ask else "",
        "open24h": "",
        "high24h": "",
        "low24h": "",
        "vol24h": "",
        "volCcy24h": "",
        "ts": str(clock.venue_ms()),
    }


def balances(values: Iterable[Balance], clock: VenueClock) -> Row:
    """The trading account."""
    stamp = str(clock.venue_ms())
    details = [
        {
            "ccy": value.asset,
            "eq": plain(value.total),
            "cashBal": plain(value.total),
            "availEq": plain(value.free),
            "availBal": plain(value.free),
            "frozenBal": plain(value.held),
            "ordFrozen": plain(value.held),
            "upl": "0",
            "liab": "",
            "uTime": stamp,
        }
        for value in values
    ]
    return {"totalEq": "", "adjEq": "", "isoEq": "", "imr": "", "mmr": "", "details": details, "uTime": stamp}


def transfer(value: Transfer, clock: VenueClock) -> Row:
    """A deposit, or with a negative amount a withdrawal."""
    row: Row = {
        "ccy": value.asset,
        "chain": f"{value.asset}-TON",
        "amt": plain(abs(value.amount)),
        "txId": value.transfer_id,
        "from": "",
        "to": "",
        "state": "2",
        "ts": str(clock.shown_ms(value.ts_ns)),
    }
    row["depId" if value.amount > 0 else "wdId"] = value.transfer_id
    return row


def currency(asset: str) -> Row:
    """An asset that can be deposited."""
    return {
        "ccy": asset,
        "name": asset,
        "chain": f"{asset}-TON",
        "canDep": True,
        "canWd": True,
        "canInternal": True,
        "mainNet": True,
        "minDep": "0",
        "minWd": "0",
        "maxWd": "1000000000",
        "wdTickSz": "9",
        "minFee": "0",
        "maxFee": "0",
        "fee": "0",
    }
