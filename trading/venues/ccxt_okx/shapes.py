"""OKX rows (what ccxt keeps under `info`: exact strings) and ccxt's books as values of the interface, sizes in base units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from trading.venues.decoding import (
    ONE,
    decimal,
    decimal_of,
    integer,
    mapping,
    ns_of_ms,
    optional_decimal,
    optional_text,
    rows,
    text,
    wrong,
)
from trading.venues.identity import Identities, VenueListing
from trading.venues.interface import (
    Balance,
    InstrumentKind,
    Level,
    MarketInfo,
    OrderBook,
    OrderState,
    OwnFill,
    OwnOrder,
    PublicTrade,
    Side,
    TimeInForce,
    VenueKind,
)

Json = Mapping[str, object]

SWAP = "SWAP"  # OKX's word for a perpetual

STATES = {
    "live": OrderState.OPEN,
    "partially_filled": OrderState.OPEN,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "mmp_canceled": OrderState.CANCELLED,
}
# cancelSource of the exchange, in the words of our other venue where they mean the same.
CANCEL_REASONS = {"1": "user", "20": "cancel_after", "32": "self_trade", "14": "ioc", "31": "post_only"}
TYPES = {TimeInForce.GTC: "limit", TimeInForce.POST_ONLY: "post_only", TimeInForce.IOC: "ioc"}


def _market(row: Json, identities: Identities) -> str:
    symbol = text(row, "instId")
    return identities.slug(symbol) or f"venue:{symbol}"


def side(row: Json) -> Side:
    """`buy` or `sell`."""
    value = row.get("side")
    if value not in ("buy", "sell"):
        raise wrong("side", "buy or sell")
    return Side(str(value))


def info(structure: object) -> Json:
    """The venue's own row in a structure of ccxt."""
    return mapping(mapping(structure, "answer").get("info"), "info")


def order(row: Json, identities: Identities) -> OwnOrder:
    """An own order, of REST or of the orders channel."""
    state = row.get("state")
    if not isinstance(state, str) or state not in STATES:
        raise wrong("state", "live, partially_filled, filled or canceled")
    source, symbol = optional_text(row, "cancelSource"), text(row, "instId")
    return OwnOrder(
        market=_market(row, identities),
        client_order_id=optional_text(row, "clOrdId"),
        venue_order_id=text(row, "ordId"),
        side=side(row),
        price=optional_decimal(row, "px") or Decimal(0),
        size=identities.base_size(symbol, decimal(row, "sz")),
        filled=identities.base_size(symbol, optional_decimal(row, "accFillSz") or Decimal(0)),
        avg_price=optional_decimal(row, "avgPx") or None,
        state=STATES[state],
        updated_ns=ns_of_ms(row, "uTime"),
        cancel_reason=CANCEL_REASONS.get(source, source) if STATES[state] is OrderState.CANCELLED else "",
    )


def history_fill(row: Json, identities: Identities) -> OwnFill:
    """A row of the fill history; `billId` is its cursor."""
    return _fill(row, identities, "fee", "feeCcy", "ts", str(integer(row, "billId")))


def pushed_fill(row: Json, identities: Identities) -> OwnFill | None:
    """The execution that an order row of the stream tells, if it tells one."""
    if not optional_text(row, "tradeId"):
        return None
    return _fill(row, identities, "fillFee", "fillFeeCcy", "fillTime", "")


def _fill(row: Json, identities: Identities, fee_name: str, asset_name: str, time_name: str, cursor: str) -> OwnFill:
    kind = row.get("execType")
    if kind not in ("M", "T"):
        raise wrong("execType", "M or T")
    fee, symbol = optional_decimal(row, fee_name), text(row, "instId")
    settles = row.get("instType") == SWAP
    return OwnFill(
        market=_market(row, identities),
        trade_id=text(row, "tradeId"),
        venue_order_id=text(row, "ordId"),
        client_order_id=optional_text(row, "clOrdId"),
        side=side(row),
        price=decimal(row, "fillPx"),
        size=identities.base_size(symbol, decimal(row, "fillSz")),
        fee=None if fee is None else -fee,  # OKX: negative = paid
        fee_asset=None if fee is None else identities.asset(text(row, asset_name)),
        maker=kind == "M",
        venue_ns=ns_of_ms(row, time_name),
        cursor=cursor,
        realised_pnl=optional_decimal(row, "fillPnl") if settles else None,
    )


def trade(row: Json, market: str, contract_value: Decimal = ONE) -> PublicTrade:
    """A public print."""
    size = decimal(row, "sz") * contract_value
    return PublicTrade(market, text(row, "tradeId"), side(row), decimal(row, "px"), size, ns_of_ms(row, "ts"))


def balances(structure: object, identities: Identities) -> list[Balance]:
    """The trading account."""
    found = []
    for account in rows(info(structure), "data"):
        for row in rows(account, "details"):
            total = decimal(row, "cashBal")
            free = optional_decimal(row, "availBal")
            found.append(Balance(identities.asset(text(row, "ccy")), total, total if free is None else free))
    return found


def book(structure: Any, market: str, depth: int, contract_value: Decimal = ONE) -> OrderBook:
    """A book of ccxt. Its floats are the shortest that read back the same, so they are the venue's decimals again."""
    fields: Any = mapping(structure, "book")
    nonce, stamp = fields["nonce"], fields["timestamp"]
    if not isinstance(stamp, int) or not (nonce is None or isinstance(nonce, int)):
        raise wrong("timestamp", "milliseconds")
    bids = _levels(fields["bids"], depth, contract_value)
    asks = _levels(fields["asks"], depth, contract_value)
    is_whole = max(len(bids), len(asks)) < depth
    return OrderBook(market, bids, asks, nonce, stamp * 1_000_000, is_whole)


def _levels(side_rows: Iterable[Any], depth: int, contract_value: Decimal) -> tuple[Level, ...]:
    found: list[Level] = []
    in_contracts = contract_value != ONE
    for row in side_rows:
        if len(found) >= depth:
            break
        size = decimal_of(repr(row[1]), "size")
        found.append(Level(decimal_of(repr(row[0]), "price"), size * contract_value if in_contracts else size))
    return tuple(found)


def listing(row: Json) -> VenueListing:
    """What a row of the instruments identifies: a spot pair, or a linear perpetual with the size of its contract."""
    if row.get("instType") != SWAP:
        return VenueListing(text(row, "instId"), text(row, "baseCcy"), text(row, "quoteCcy"))
    contract = decimal(row, "ctVal") * (optional_decimal(row, "ctMult") or ONE)
    if contract <= 0:
        raise wrong("ctVal", "a positive decimal")
    kind = InstrumentKind.LINEAR_PERPETUAL
    return VenueListing(text(row, "instId"), text(row, "ctValCcy"), text(row, "settleCcy"), kind, contract)


def is_usable(row: Json) -> bool:
    """Inverse perpetuals pay in their base: none of ours, and their contracts are counted in another currency."""
    return row.get("instType") != SWAP or row.get("ctType") == "linear"


def market_info(
    market: str, row: Json, maker_fee: Decimal, taker_fee: Decimal, funding_interval_s: int | None = None
) -> MarketInfo:
    """An instrument. OKX publishes no minimum notional and no band; on spot it takes the fee from the asset received."""
    listed = listing(row)
    is_perpetual = listed.instrument is InstrumentKind.LINEAR_PERPETUAL
    leverage = optional_decimal(row, "lever") if is_perpetual else None
    return MarketInfo(
        market=market,
        venue_symbol=text(row, "instId"),
        kind=VenueKind.ORDER_BOOK,
        base=listed.base,
        quote=listed.quote,
        tick=decimal(row, "tickSz"),
        lot_step=decimal(row, "lotSz") * listed.contract_value,
        min_size=decimal(row, "minSz") * listed.contract_value,
        min_notional=Decimal(0),
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        fee_in_received_asset=not is_perpetual,
        price_band=None,
        max_open_orders=None,
        instrument=listed.instrument,
        contract_value=listed.contract_value,
        settle=listed.quote if is_perpetual else "",
        initial_margin=ONE / leverage if leverage else None,
        funding_interval_s=funding_interval_s,
    )
