"""Values that the sandbox exchange's rooms pass to each other.

Money, prices and quantities are `Decimal`; times are nanoseconds since the epoch on the venue's clock (`*_ns`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    POST_ONLY = "post_only"
    IOC = "ioc"


class OrderStatus(StrEnum):
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"


class FeeMode(StrEnum):
    """Which asset pays the fee: always the quote asset, or the asset received."""

    QUOTE = "quote"
    RECEIVED = "received"


class InstrumentKind(StrEnum):
    """What is traded: the base asset itself, or contracts on it that settle in the quote asset."""

    SPOT = "spot"
    LINEAR_PERPETUAL = "linear_perpetual"


class RejectCode(StrEnum):
    """Every reason for which the exchange refuses a request; dialects translate these, engines raise them."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    BAD_PRICE_TICK = "bad_price_tick"
    BAD_SIZE_STEP = "bad_size_step"
    BELOW_MINIMUM = "below_minimum"
    OUTSIDE_PRICE_BAND = "outside_price_band"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    BAD_CLIENT_ORDER_ID = "bad_client_order_id"
    UNKNOWN_ORDER = "unknown_order"
    ORDER_ALREADY_DONE = "order_already_done"
    DEADLINE_PASSED = "deadline_passed"
    SELF_TRADE = "self_trade"
    NOTHING_TO_AMEND = "nothing_to_amend"
    BAD_REQUEST = "bad_request"


class Reject(Exception):
    """The exchange refused a request; nothing was changed."""

    def __init__(self, code: RejectCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Instrument:
    """A market of the exchange. Fees are fractions of notional (0.0001 = 1 bp); a negative fee is a rebate.

    Sizes of a perpetual are contracts; its quote asset is what it settles in.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot_step: Decimal
    min_size: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    fee_mode: FeeMode
    price_band: Decimal  # refuse prices further than this fraction from the last mid (0.2 = 20 %)
    kind: InstrumentKind = InstrumentKind.SPOT
    contract_value: Decimal = Decimal(1)  # base quantity of one unit of size: 1 on spot
    initial_margin: Decimal = Decimal(0)  # fraction of the notional; perpetuals only
    funding_interval_s: int = 0  # perpetuals only

    @property
    def is_perpetual(self) -> bool:
        return self.kind is InstrumentKind.LINEAR_PERPETUAL

    def notional(self, price: Decimal, size: Decimal) -> Decimal:
        """Value of `size` at `price`, in the quote asset."""
        return price * size * self.contract_value


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    symbol: str
    side: Side
    type: OrderType
    price: Decimal
    size: Decimal
    client_order_id: str
    deadline_ns: int | None = None  # refused when the venue's clock is past it


@dataclass(frozen=True, slots=True)
class Order:
    """State of one order after an event. `filled`, `remaining`: as `size`; `avg_price` is None before a fill."""

    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    type: OrderType
    price: Decimal
    size: Decimal
    filled: Decimal
    avg_price: Decimal | None
    status: OrderStatus
    created_ns: int
    updated_ns: int
    cancel_reason: str = ""  # user, cancel_after, self_trade, ioc, admin

    @property
    def remaining(self) -> Decimal:
        return (
            self.size - self.filled if self.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED) else Decimal(0)
        )


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one account's order. `fee` is what the account paid (negative = received) in `fee_asset`."""

    trade_id: str
    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: str  # maker | taker
    ts_ns: int
    seq: int  # per account, strictly increasing: the export's and the history's cursor
    realised_pnl: Decimal | None = None  # what it settled, in the settle asset; None on spot


@dataclass(frozen=True, slots=True)
class Position:
    """An account's position in a perpetual. `size`: signed contracts; money in the settle asset.

    `entry_price` is None when flat, `mark_price` without a recorded book; the unrealised P&L is then 0.
    `realised_pnl`: all that fills settled so far, without fees and funding. `updated_ns`: last fill.
    """

    symbol: str
    account: str
    size: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    initial_margin: Decimal
    updated_ns: int


@dataclass(frozen=True, slots=True)
class Funding:
    """A funding payment of one account: `amount` positive = received. `size`: the signed contracts it was computed on.

    `funding_ns` is the funding time, `ts_ns` when it was booked.
    """

    funding_id: str
    account: str
    symbol: str
    asset: str
    amount: Decimal
    rate: Decimal
    mark_price: Decimal
    size: Decimal
    funding_ns: int
    ts_ns: int
    seq: int  # strictly increasing: the identity of the payment


@dataclass(frozen=True, slots=True)
class FundingRate:
    """Rate and time of the next funding, time of the one after, and the last one (None before the first)."""

    symbol: str
    rate: Decimal
    funding_ns: int
    next_funding_ns: int
    interval_s: int
    mark_price: Decimal | None
    last_rate: Decimal | None
    last_funding_ns: int | None
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Balance:
    """`held`: what open orders on spot hold, and `margin`: the part of it that perpetuals have in use."""

    asset: str
    total: Decimal
    held: Decimal
    margin: Decimal = Decimal(0)

    @property
    def free(self) -> Decimal:
        return self.total - self.held


@dataclass(frozen=True, slots=True)
class Transfer:
    """A booked deposit (positive) or withdrawal (negative) of an account."""

    transfer_id: str
    account: str
    asset: str
    amount: Decimal
    ts_ns: int
    seq: int


@dataclass(frozen=True, slots=True)
class BookDelta:
    """Changed levels of the published (merged) book after one event; size 0 removes a level.

    `prev_seq` is the `seq` of the delta before: no gap, no repetition.
    """

    symbol: str
    seq: int
    prev_seq: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    ts_ns: int


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """Published book, best first: bids falling, asks rising; (price, size) pairs."""

    symbol: str
    seq: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    ts_ns: int


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A print; `side` is the taker's."""

    trade_id: str
    symbol: str
    side: Side
    price: Decimal
    size: Decimal
    ts_ns: int


# What the engine tells its subscribers, in order.
VenueEvent = BookDelta | PublicTrade | Order | Fill | Position | Funding | FundingRate


# --- what a market record plays into the engine -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordDepth:
    """Recorded levels changed (or, with `snapshot`, are all there is); size 0 removes. Background quantity."""

    ts_ns: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class RecordTop:
    """Recorded best bid and ask with sizes."""

    ts_ns: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class RecordTrade:
    """A recorded print; `side` is the taker's."""

    ts_ns: int
    side: Side
    price: Decimal
    size: Decimal


RecordEvent = RecordDepth | RecordTop | RecordTrade
