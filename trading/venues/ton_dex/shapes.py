"""TON-DEX messages (docs/sandbox-venue.md sections 3, 4, 7, 13) as values of the interface: sizes leave here as base units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading.venues.decoding import (
    ONE,
    decimal,
    integer,
    levels,
    ns_of_ms,
    optional_decimal,
    optional_text,
    text,
    wrong,
)
from trading.venues.identity import Identities, VenueListing
from trading.venues.interface import (
    Balance,
    InstrumentKind,
    MarketInfo,
    OrderBook,
    OrderState,
    OwnFill,
    OwnOrder,
    PublicTrade,
    Side,
    TimeInForce,
    VenueKind,
    VenueTransfer,
)
from trading.venues.perpetuals import FundingPayment, FundingRate, VenuePosition

Json = Mapping[str, object]

STATES = {
    "open": OrderState.OPEN,
    "partially_filled": OrderState.OPEN,
    "filled": OrderState.FILLED,
    "cancelled": OrderState.CANCELLED,
}
TYPES = {TimeInForce.GTC: "limit", TimeInForce.POST_ONLY: "post_only", TimeInForce.IOC: "ioc"}


def side(fields: Json) -> Side:
    """`buy` or `sell`."""
    value = fields.get("side")
    if value not in ("buy", "sell"):
        raise wrong("side", "buy or sell")
    return Side(str(value))


def _market(fields: Json, identities: Identities) -> str:
    symbol = text(fields, "symbol")
    return identities.slug(symbol) or f"venue:{symbol}"


def order(fields: Json, identities: Identities) -> OwnOrder:
    """An own order. One of a market that is not ours carries `venue:<symbol>`."""
    status = fields.get("status")
    if not isinstance(status, str) or status not in STATES:
        raise wrong("status", "open, partially_filled, filled or cancelled")
    symbol = text(fields, "symbol")
    return OwnOrder(
        market=_market(fields, identities),
        client_order_id=optional_text(fields, "client_order_id"),
        venue_order_id=text(fields, "order_id"),
        side=side(fields),
        price=decimal(fields, "price"),
        size=identities.base_size(symbol, decimal(fields, "size")),
        filled=identities.base_size(symbol, decimal(fields, "filled")),
        avg_price=optional_decimal(fields, "avg_price"),
        state=STATES[status],
        updated_ns=ns_of_ms(fields, "updated_ms"),
        cancel_reason=optional_text(fields, "cancel_reason"),
    )


def fill(fields: Json, identities: Identities, *, from_history: bool) -> OwnFill:
    """An own fill; only a page of the history carries a cursor, for a stream may have gaps behind it."""
    liquidity = fields.get("liquidity")
    if liquidity not in ("maker", "taker"):
        raise wrong("liquidity", "maker or taker")
    fee = optional_decimal(fields, "fee")
    cursor, symbol = str(integer(fields, "seq")), text(fields, "symbol")
    return OwnFill(
        market=_market(fields, identities),
        trade_id=text(fields, "trade_id"),
        venue_order_id=text(fields, "order_id"),
        client_order_id=optional_text(fields, "client_order_id"),
        side=side(fields),
        price=decimal(fields, "price"),
        size=identities.base_size(symbol, decimal(fields, "size")),
        fee=fee,
        fee_asset=None if fee is None else identities.asset(text(fields, "fee_asset")),
        maker=liquidity == "maker",
        venue_ns=ns_of_ms(fields, "ts_ms"),
        cursor=cursor if from_history else "",
        realised_pnl=optional_decimal(fields, "realised_pnl"),
    )


def trade(fields: Json, market: str, contract_value: Decimal = ONE) -> PublicTrade:
    """A public print."""
    return PublicTrade(
        market=market,
        trade_id=text(fields, "trade_id"),
        side=side(fields),
        price=decimal(fields, "price"),
        size=decimal(fields, "size") * contract_value,
        venue_ns=ns_of_ms(fields, "ts_ms"),
    )


def book(fields: Json, market: str, contract_value: Decimal = ONE) -> OrderBook:
    """A whole book, best first."""
    bids, asks = levels(fields, "bids", contract_value), levels(fields, "asks", contract_value)
    return OrderBook(market, bids, asks, integer(fields, "seq"), ns_of_ms(fields, "ts_ms"))


def balance(fields: Json, identities: Identities) -> Balance:
    """One asset of the account."""
    return Balance(identities.asset(text(fields, "asset")), decimal(fields, "total"), decimal(fields, "free"))


def transfer(fields: Json, identities: Identities) -> VenueTransfer:
    """A deposit or withdrawal."""
    return VenueTransfer(
        text(fields, "transfer_id"),
        identities.asset(text(fields, "asset")),
        decimal(fields, "amount"),
        ns_of_ms(fields, "ts_ms"),
        str(integer(fields, "seq")),
    )


def position(fields: Json, identities: Identities) -> VenuePosition:
    """A position on a perpetual."""
    return VenuePosition(
        market=_market(fields, identities),
        q=identities.base_size(text(fields, "symbol"), decimal(fields, "size")),
        entry_price=optional_decimal(fields, "entry_price"),
        mark_price=optional_decimal(fields, "mark_price"),
    )


def funding(fields: Json, identities: Identities) -> FundingPayment:
    """A funding payment; its `seq` is its identity and its cursor."""
    seq = str(integer(fields, "seq"))
    return FundingPayment(
        market=_market(fields, identities),
        payment_id=seq,
        asset=identities.asset(text(fields, "asset")),
        amount=decimal(fields, "amount"),
        mark_price=optional_decimal(fields, "mark_price"),
        venue_ns=ns_of_ms(fields, "funding_ms"),
        cursor=seq,
    )


def funding_rate(fields: Json, market: str) -> FundingRate:
    """What the next funding will cost."""
    return FundingRate(
        market, decimal(fields, "rate"), ns_of_ms(fields, "funding_ms"), optional_decimal(fields, "mark_price")
    )


def _instrument(fields: Json) -> InstrumentKind:
    """A venue that tells no kind trades spot."""
    told = optional_text(fields, "instrument") or InstrumentKind.SPOT
    if told not in set(InstrumentKind):
        raise wrong("instrument", "spot or linear_perpetual")
    return InstrumentKind(told)


def listing(fields: Json) -> VenueListing:
    """What a row of the market list identifies."""
    contract = optional_decimal(fields, "contract_value")
    contract_value = ONE if contract is None else contract
    if contract_value <= 0:
        raise wrong("contract_value", "a positive decimal")
    return VenueListing(
        text(fields, "symbol"), text(fields, "base"), text(fields, "quote"), _instrument(fields), contract_value
    )


def market_info(fields: Json, market: str) -> MarketInfo:
    """A row of the market list."""
    listed = listing(fields)
    if fields.get("kind") != "order_book":
        raise wrong("kind", "order_book")
    fee_mode = fields.get("fee_mode")
    if fee_mode not in ("quote", "received"):
        raise wrong("fee_mode", "quote or received")
    return MarketInfo(
        market=market,
        venue_symbol=text(fields, "symbol"),
        kind=VenueKind.ORDER_BOOK,
        base=text(fields, "base"),
        quote=text(fields, "quote"),
        tick=decimal(fields, "tick"),
        lot_step=decimal(fields, "lot_step") * listed.contract_value,
        min_size=decimal(fields, "min_size") * listed.contract_value,
        min_notional=decimal(fields, "min_notional"),
        maker_fee=decimal(fields, "maker_fee"),
        taker_fee=decimal(fields, "taker_fee"),
        fee_in_received_asset=fee_mode == "received",
        price_band=optional_decimal(fields, "price_band"),
        max_open_orders=None,
        label=optional_text(fields, "label"),
        instrument=listed.instrument,
        contract_value=listed.contract_value,
        settle=optional_text(fields, "settle"),
        initial_margin=optional_decimal(fields, "initial_margin"),
        funding_interval_s=None if fields.get("funding_interval_s") is None else integer(fields, "funding_interval_s"),
    )
