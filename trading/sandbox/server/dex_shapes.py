"""Engine values as the TON-DEX dialect writes them (docs/sandbox-venue.md sections 3, 4 and 7)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading.sandbox.server.clock import VenueClock
from trading.sandbox.types import Balance, BookDelta, BookSnapshot, Fill, Instrument, Order, PublicTrade, Transfer

Json = dict[str, object]


def plain(value: Decimal) -> str:
    """A decimal without exponent."""
    return format(value, "f")


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Price levels as string pairs."""
    return [[plain(price), plain(size)] for price, size in side]


def market(instrument: Instrument, label: str) -> Json:
    """A market of `/v1/markets`."""
    return {
        "symbol": instrument.symbol,
        "kind": "order_book",
        "base": instrument.base,
        "quote": instrument.quote,
        "tick": plain(instrument.tick),
        "lot_step": plain(instrument.lot_step),
        "min_size": plain(instrument.min_size),
        "min_notional": plain(instrument.min_notional),
        "maker_fee": plain(instrument.maker_fee),
        "taker_fee": plain(instrument.taker_fee),
        "fee_mode": instrument.fee_mode.value,
        "price_band": plain(instrument.price_band),
        "status": "live",
        "label": label,
    }


def order(value: Order, clock: VenueClock) -> Json:
    """An own order."""
    return {
        "order_id": value.order_id,
        "client_order_id": value.client_order_id,
        "symbol": value.symbol,
        "side": value.side.value,
        "type": value.type.value,
        "price": plain(value.price),
        "size": plain(value.size),
        "filled": plain(value.filled),
        "remaining": plain(value.remaining),
        "avg_price": None if value.avg_price is None else plain(value.avg_price),
        "status": value.status.value,
        "created_ms": clock.shown_ms(value.created_ns),
        "updated_ms": clock.shown_ms(value.updated_ns),
        "cancel_reason": value.cancel_reason,
    }


def fill(value: Fill, clock: VenueClock) -> Json:
    """An own fill; `fee` positive = paid."""
    return {
        "trade_id": value.trade_id,
        "order_id": value.order_id,
        "client_order_id": value.client_order_id,
        "symbol": value.symbol,
        "side": value.side.value,
        "price": plain(value.price),
        "size": plain(value.size),
        "fee": plain(value.fee),
        "fee_asset": value.fee_asset,
        "liquidity": value.liquidity,
        "ts_ms": clock.shown_ms(value.ts_ns),
        "seq": value.seq,
    }


def trade(value: PublicTrade, clock: VenueClock) -> Json:
    """A public print; `side` is the taker's."""
    return {
        "trade_id": value.trade_id,
        "symbol": value.symbol,
        "side": value.side.value,
        "price": plain(value.price),
        "size": plain(value.size),
        "ts_ms": clock.shown_ms(value.ts_ns),
    }


def transfer(value: Transfer, clock: VenueClock) -> Json:
    """A booked deposit or withdrawal."""
    return {
        "transfer_id": value.transfer_id,
        "asset": value.asset,
        "amount": plain(value.amount),
        "ts_ms": clock.shown_ms(value.ts_ns),
        "seq": value.seq,
    }


def balance(value: Balance) -> Json:
    """One asset of the account."""
    return {
        "asset": value.asset,
        "total": plain(value.total),
        "held": plain(value.held),
        "free": plain(value.free),
    }


def book(value: BookSnapshot, clock: VenueClock) -> Json:
    """The published book, best first."""
    return {
        "symbol": value.symbol,
        "seq": value.seq,
        "ts_ms": clock.shown_ms(value.ts_ns),
        "bids": levels(value.bids),
        "asks": levels(value.asks),
    }


def book_delta(value: BookDelta, clock: VenueClock) -> Json:
    """Changed levels of the published book."""
    return {
        "type": "book_delta",
        "symbol": value.symbol,
        "seq": value.seq,
        "prev_seq": value.prev_seq,
        "ts_ms": clock.shown_ms(value.ts_ns),
        "bids": levels(value.bids),
        "asks": levels(value.asks),
    }
