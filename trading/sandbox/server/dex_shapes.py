"""Engine values as the TON-DEX dialect writes them (docs/sandbox-venue.md sections 3, 4, 7 and 13)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading.sandbox.server.clock import VenueClock
from trading.sandbox.types import (
    Balance,
    BookDelta,
    BookSnapshot,
    Fill,
    Funding,
    FundingRate,
    Instrument,
    Order,
    Position,
    PublicTrade,
    Transfer,
)

Json = dict[str, object]


def plain(value: Decimal) -> str:
    """A decimal without exponent."""
    return format(value, "f")


def optional(value: Decimal | None) -> str | None:
    """The same, or null."""
    return None if value is None else plain(value)


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
        "instrument": instrument.kind.value,
        "contract_value": plain(instrument.contract_value),
        "settle": instrument.quote if instrument.is_perpetual else "",
        "initial_margin": plain(instrument.initial_margin) if instrument.is_perpetual else "",
        "funding_interval_s": instrument.funding_interval_s if instrument.is_perpetual else None,
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
        "avg_price": optional(value.avg_price),
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
        "realised_pnl": optional(value.realised_pnl),
    }


def position(value: Position, clock: VenueClock) -> Json:
    """A position in a perpetual."""
    return {
        "symbol": value.symbol,
        "size": plain(value.size),
        "entry_price": optional(value.entry_price),
        "mark_price": optional(value.mark_price),
        "unrealised_pnl": plain(value.unrealised_pnl),
        "realised_pnl": plain(value.realised_pnl),
        "initial_margin": plain(value.initial_margin),
        "updated_ms": clock.shown_ms(value.updated_ns),
    }


def funding(value: Funding, clock: VenueClock) -> Json:
    """A funding payment; `amount` positive = received."""
    return {
        "funding_id": value.funding_id,
        "symbol": value.symbol,
        "asset": value.asset,
        "amount": plain(value.amount),
        "rate": plain(value.rate),
        "mark_price": plain(value.mark_price),
        "size": plain(value.size),
        "funding_ms": clock.shown_ms(value.funding_ns),
        "ts_ms": clock.shown_ms(value.ts_ns),
        "seq": value.seq,
    }


def funding_rate(value: FundingRate, clock: VenueClock) -> Json:
    """The rate of a perpetual's next funding."""
    return {
        "symbol": value.symbol,
        "rate": plain(value.rate),
        "funding_ms": clock.shown_ms(value.funding_ns),
        "next_funding_ms": clock.shown_ms(value.next_funding_ns),
        "interval_s": value.interval_s,
        "mark_price": optional(value.mark_price),
        "last_rate": optional(value.last_rate),
        "last_funding_ms": None if value.last_funding_ns is None else clock.shown_ms(value.last_funding_ns),
        "ts_ms": clock.shown_ms(value.ts_ns),
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
