"""Engine values as OKX v5 writes them: every value a string, fees negative when paid, `instId` with a dash."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
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
    """The dialect's name of a market: GRAM-USDT; a perpetual (`ETH/USDT:USDT`): ETH-USDT-SWAP."""
    pair, _, settle = symbol.partition(":")
    return pair.replace("/", "-") + ("-SWAP" if settle else "")


def symbol_named(instruments: Iterable[str], name: str) -> str | None:
    """The engine's symbol of an `instId` (or of itself); None when there is none."""
    return next((symbol for symbol in instruments if name in (symbol, inst_id(symbol))), None)


def inst_type(symbol: str) -> str:
    """SPOT, or SWAP for a perpetual."""
    return "SWAP" if ":" in symbol else "SPOT"


def family(value: Instrument) -> str:
    """A perpetual's underlying; empty on spot."""
    return f"{value.base}-{value.quote}" if value.is_perpetual else ""


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """`[price, size, "0", orders]`; the number of orders is not modelled and says 1 (0 for a removed level)."""
    return [[plain(price), plain(size), "0", "1" if size else "0"] for price, size in side]


def instrument(value: Instrument) -> Row:
    """A spot instrument or a perpetual."""
    swap = value.is_perpetual
    return {
        "instType": inst_type(value.symbol),
        "instId": inst_id(value.symbol),
        "instIdCode": zlib.crc32(value.symbol.encode()),
        "baseCcy": "" if swap else value.base,
        "quoteCcy": "" if swap else value.quote,
        "settleCcy": value.quote if swap else "",
        "uly": family(value),
        "instFamily": family(value),
        "category": "1",
        "tickSz": plain(value.tick),
        "lotSz": plain(value.lot_step),
        "minSz": plain(value.min_size),
        "maxLmtSz": "999999999999",
        "maxMktSz": "1000000",
        "maxLmtAmt": "20000000",
        "lever": leverage(value),
        "state": "live",
        "listTime": "1767225600000",
        "expTime": "",
        "ctVal": plain(value.contract_value) if swap else "",
        "ctMult": "1" if swap else "",
        "ctValCcy": value.base if swap else "",
        "ctType": "linear" if swap else "",
        "optType": "",
        "stk": "",
        "alias": "",
        "ruleType": "normal",
    }


def leverage(value: Instrument) -> str:
    """How many times its margin a position is worth; empty on spot."""
    return plain((1 / value.initial_margin).quantize(Decimal("0.01")).normalize()) if value.is_perpetual else ""


def order(value: Order, instrument: Instrument, fills: Iterable[Fill], clock: VenueClock) -> Row:
    """An own order. `fills` are its fills, for the accumulated fee and the last execution."""
    fee, pnl, last = Decimal(0), Decimal(0), None
    for last in fills:
        fee -= last.fee
        pnl += last.realised_pnl or 0
    swap = instrument.is_perpetual
    side_asset = instrument.base if value.side.value == "buy" and not swap else instrument.quote
    rest = dict.fromkeys(_EMPTY_ORDER_FIELDS, "")
    return {
        **rest,
        "instType": inst_type(value.symbol),
        "instId": inst_id(value.symbol),
        "ordId": value.order_id,
        "clOrdId": value.client_order_id,
        "side": value.side.value,
        "posSide": "net",
        "tdMode": "cross" if swap else "cash",
        "lever": leverage(instrument),
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
        "pnl": plain(pnl),
        "stpMode": "cancel_maker",
    }


_EMPTY_ORDER_FIELDS = (
    "algoClOrdId",
    "algoId",
    "cancelSourceReason",
    "ccy",
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
            "fillPnl": fill_pnl(fill) if fill else "0",
            "execType": _exec_type(fill) if fill else "",
            "billId": str(fill.seq) if fill else "",
        }
    )
    return pushed


def fill_pnl(fill: Fill) -> str:
    """What a fill realised; 0 on spot and when it opens."""
    return plain(fill.realised_pnl or Decimal(0))


def _exec_type(fill: Fill) -> str:
    return "M" if fill.liquidity == "maker" else "T"


def fill_row(value: Fill, clock: VenueClock) -> Row:
    """An own fill; `billId` is its sequence number, the paging cursor."""
    stamp = str(clock.shown_ms(value.ts_ns))
    return {
        "instType": inst_type(value.symbol),
        "instId": inst_id(value.symbol),
        "tradeId": value.trade_id,
        "ordId": value.order_id,
        "clOrdId": value.client_order_id,
        "billId": str(value.seq),
        "tag": "",
        "fillPx": plain(value.price),
        "fillSz": plain(value.size),
        "fillPnl": fill_pnl(value),
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
        "instType": inst_type(symbol),
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


def balances(values: Iterable[Balance], unrealised: Mapping[str, Decimal], clock: VenueClock) -> Row:
    """The trading account. `unrealised`: P&L of open positions by settle asset; it is in `eq`, not in `cashBal`."""
    stamp = str(clock.venue_ms())
    details = [
        {
            "ccy": value.asset,
            "eq": plain(value.total + unrealised.get(value.asset, Decimal(0))),
            "cashBal": plain(value.total),
            "availEq": plain(value.free),
            "availBal": plain(value.free),
            "frozenBal": plain(value.held),
            "ordFrozen": plain(value.held - value.margin),
            "imr": plain(value.margin),
            "upl": plain(unrealised.get(value.asset, Decimal(0))),
            "liab": "",
            "uTime": stamp,
        }
        for value in values
    ]
    return {"totalEq": "", "adjEq": "", "isoEq": "", "imr": "", "mmr": "", "details": details, "uTime": stamp}


def trade_fee(value: Instrument, clock: VenueClock) -> Row:
    """Fee rates, negative when paid; the fields ending in U are those of contracts that settle in USDT."""
    maker, taker = plain(-value.maker_fee), plain(-value.taker_fee)
    row = {"instType": inst_type(value.symbol), "category": "1", "level": "Lv1", "delivery": "", "exercise": ""}
    margined = {"makerU": maker, "takerU": taker} if value.is_perpetual else {}
    return {**row, "maker": maker, "taker": taker, **margined, "ts": str(clock.venue_ms())}


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
