"""Positions and fundings of perpetuals as OKX v5 writes them."""

from __future__ import annotations

import zlib
from decimal import Decimal

from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.dex_shapes import plain
from trading.sandbox.server.okx_shapes import Row, inst_id, inst_type, leverage
from trading.sandbox.types import Funding, FundingRate, Instrument, Position


def position(value: Position, instrument: Instrument, clock: VenueClock) -> Row:
    """A position; `pos` is signed (net mode), `realizedPnl` what fills settled, without fees and funding."""
    mark = value.mark_price if value.mark_price is not None else value.entry_price
    notional = instrument.notional(mark, abs(value.size)) if mark is not None else Decimal(0)
    stamp = str(clock.shown_ms(value.updated_ns))
    return {
        "instType": inst_type(value.symbol),
        "instId": inst_id(value.symbol),
        "posId": str(zlib.crc32(f"{value.account} {value.symbol}".encode())),
        "mgnMode": "cross",
        "posSide": "net",
        "pos": plain(value.size),
        "posCcy": "",
        "ccy": instrument.quote,
        "avgPx": "" if value.entry_price is None else plain(value.entry_price),
        "markPx": "" if value.mark_price is None else plain(value.mark_price),
        "upl": plain(value.unrealised_pnl),
        "realizedPnl": plain(value.realised_pnl),
        "pnl": plain(value.realised_pnl),
        "imr": plain(value.initial_margin),
        "mmr": "",
        "mgnRatio": "",
        "margin": "",
        "liqPx": "",
        "lever": leverage(instrument),
        "notionalUsd": plain(notional),
        "cTime": stamp,
        "uTime": stamp,
    }


def bill(value: Funding, clock: VenueClock) -> Row:
    """A funding payment as a bill of type 8; `billId` is its sequence number, the paging cursor."""
    return {
        "billId": str(value.seq),
        "type": "8",
        "subType": "174" if value.amount >= 0 else "173",
        "instType": inst_type(value.symbol),
        "instId": inst_id(value.symbol),
        "ccy": value.asset,
        "balChg": plain(value.amount),
        "pnl": plain(value.amount),
        "posBalChg": "0",
        "fee": "0",
        "sz": plain(abs(value.size)),
        "px": plain(value.mark_price),
        "mgnMode": "cross",
        "ordId": "",
        "tradeId": "",
        "notes": "",
        "fillTime": str(clock.shown_ms(value.funding_ns)),
        "ts": str(clock.shown_ms(value.ts_ns)),
    }


def funding_rate(value: FundingRate, clock: VenueClock) -> Row:
    """The rate of a perpetual's next funding."""
    last_ns = value.last_funding_ns
    return {
        "instType": "SWAP",
        "instId": inst_id(value.symbol),
        "method": "current_period",
        "fundingRate": plain(value.rate),
        "fundingTime": str(clock.shown_ms(value.funding_ns)),
        "nextFundingRate": "",
        "nextFundingTime": str(clock.shown_ms(value.next_funding_ns)),
        "settState": "settled",
        "settFundingRate": "" if value.last_rate is None else plain(value.last_rate),
        "prevFundingTime": "" if last_ns is None else str(clock.shown_ms(last_ns)),
        "premium": "",
        "ts": str(clock.shown_ms(value.ts_ns)),
    }


def mark_price(symbol: str, price: Decimal, clock: VenueClock) -> Row:
    """A perpetual's mark price."""
    return {
        "instType": "SWAP",
        "instId": inst_id(symbol),
        "markPx": plain(price),
        "ts": str(clock.venue_ms()),
    }
