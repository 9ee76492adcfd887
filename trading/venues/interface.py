"""The one interface between the portal and any venue; rooms other than `venues` know nothing else of the outside.

Prices are quote per base, sizes base quantities, both `Decimal`; times are nanoseconds since the epoch (`*_ns`). Where a venue
counts contracts, its adapter converts at the edge: nothing on this side of it knows a contract but `MarketInfo.contract_value`.
`market` arguments are the portal's market slugs: the adapter alone knows the venue's symbol for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from trading.venues.perpetuals import FundingPayment, FundingRate, VenuePosition


class VenueKind(StrEnum):
    ORDER_BOOK = "order_book"
    RFQ = "rfq"
    AMM = "amm"


class InstrumentKind(StrEnum):
    """What is traded: the base asset itself, or a position on its price that is settled in the quote asset."""

    SPOT = "spot"
    LINEAR_PERPETUAL = "linear_perpetual"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class TimeInForce(StrEnum):
    GTC = "gtc"
    POST_ONLY = "post_only"
    IOC = "ioc"


class OrderState(StrEnum):
    """State of an order as the venue tells it."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"


class RejectReason(StrEnum):
    """Coded reasons for which a venue definitively refused; nothing rests and nothing was filled."""

    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    BELOW_MINIMUM = "below_minimum"
    UNKNOWN_ORDER = "unknown_order"
    ORDER_ALREADY_DONE = "order_already_done"
    DEADLINE_PASSED = "deadline_passed"
    SELF_TRADE = "self_trade"
    UNKNOWN_MARKET = "unknown_market"
    MARKET_CLOSED = "market_closed"
    OTHER = "other"


MAX_MESSAGE = 300


def printable(message: str, limit: int = MAX_MESSAGE) -> str:
    """What a venue said, fit for logs and databases: one line, bounded, nothing but printable characters."""
    return "".join(char if char.isprintable() else " " for char in message[:limit])


class VenueError(Exception):
    """Base of everything a venue adapter raises. The message never holds a credential and is `printable`."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class VenueRejected(VenueError):
    """The venue definitively refused this request."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = printable(message)


class NotSent(VenueError):
    """The request never left this process (throttle, lost lease, no connection): the outcome is known to be nothing."""


class RateLimited(VenueError):
    """The venue refused before executing because of its rate limit; `retry_after_s` if it said so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(VenueError):
    """Time-out, dropped socket, 5xx or unparsable answer after sending: the request may or may not have been executed."""


class VenueUnavailable(VenueError):
    """A read failed (no connection, time-out, 5xx)."""


class AuthRejected(VenueError):
    """The venue refused the credential or the signature (also: our clock is too far from the venue's)."""


class UnexpectedAnswer(VenueError):
    """A read answered something that this adapter does not know; the message names the field, never the whole body."""


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """What the venue's market list says. Fees are fractions (0.0001 = 1 bp); `price_band` one from mid, None if none.

    `lot_step` and `min_size` are base units whatever the venue counts in; one of its contracts is `contract_value` base (1 for
    spot). Of a perpetual: `settle` is the venue's code of the asset it pays in, `initial_margin` a fraction of the notional.
    """

    market: str
    venue_symbol: str
    kind: VenueKind
    base: str
    quote: str
    tick: Decimal
    lot_step: Decimal
    min_size: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    fee_in_received_asset: bool
    price_band: Decimal | None
    max_open_orders: int | None
    label: str = ""  # what the venue says of itself, e.g. "recorded market, rescaled"
    instrument: InstrumentKind = InstrumentKind.SPOT
    contract_value: Decimal = Decimal(1)
    settle: str = ""
    initial_margin: Decimal | None = None
    funding_interval_s: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Best first. `seq` is the venue's sequence number (None where it has none); `venue_ns` its clock, None if not told.

    `is_whole`: it holds every level the venue has, so that both sides end where the venue's do.
    """

    market: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    seq: int | None
    venue_ns: int | None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class PublicTrade:
    market: str
    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    venue_ns: int


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """`deadline_ns`: the venue (where it offers this) must refuse the order when its clock is past it."""

    market: str
    side: Side
    price: Decimal
    size: Decimal
    client_order_id: str
    tif: TimeInForce = TimeInForce.POST_ONLY
    deadline_ns: int | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """Replace price and/or total size (filled part included) of a resting order, keeping its client order id."""

    market: str
    client_order_id: str
    new_price: Decimal
    new_size: Decimal
    deadline_ns: int | None = None


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An own order as the venue tells it. `filled` in base; `avg_price` None before the first fill."""

    market: str
    client_order_id: str
    venue_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    filled: Decimal
    avg_price: Decimal | None
    state: OrderState
    updated_ns: int
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One execution. `fee` is what we paid (negative: received) in asset id `fee_asset`; None where not told yet.

    `realised_pnl`: of a perpetual, what the venue settled in the quote asset for the part that closed; None for spot.
    """

    market: str
    trade_id: str
    venue_order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal | None
    fee_asset: str | None
    maker: bool
    venue_ns: int
    cursor: str = ""  # opaque position in the account's history, "" where the source (a stream) has none
    realised_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    asset: str
    total: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class VenueTransfer:
    """A deposit (positive) or withdrawal (negative) as the venue booked it."""

    transfer_id: str
    asset: str
    amount: Decimal
    venue_ns: int
    cursor: str = ""


class StepKind(StrEnum):
    CANCEL = "cancel"
    AMEND = "amend"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True)
class QuoteStep:
    """One request of a quote replacement; exactly one of the three payloads is set.

    `market` is of a cancel (the other payloads carry theirs); "" = that of the other steps, or the account's only one.
    """

    kind: StepKind
    cancel_client_order_id: str | None = None
    amend: AmendRequest | None = None
    submit: OrderRequest | None = None
    market: str = ""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """`order` after success; else `error` (VenueRejected, NotSent, RateLimited, OutcomeUnknown, AuthRejected)."""

    step: QuoteStep
    order: OwnOrder | None
    error: VenueError | None
    sent_ns: int | None
    answered_ns: int | None


class SendGuard(Protocol):
    """Called by the adapter after signing, just before the bytes leave; raises `NotSent` without enough lease."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this venue offers; what it lacks is capped elsewhere, never faked."""

    kind: VenueKind
    amend: bool
    deadline: bool
    cancel_after: bool
    user_stream: bool
    client_order_ids: bool


# --- what streams yield ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProofOfLife:
    """The connection answered (message, pong, successful poll) though nothing about the market changed."""

    channel: str


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The stream was (re)connected or resynchronised; what happened meanwhile must be fetched. `reason` is for people."""

    channel: str
    reason: str


class Venue(Protocol):
    """One account on one venue. Every call has a time-out of its own; every coroutine may be cancelled."""

    name: str
    account: str
    capabilities: Capabilities

    async def open(self) -> None:
        """Connect, load the market list, measure the clock.

        Raises AuthRejected, VenueUnavailable, VenueRejected(UNKNOWN_MARKET).
        """

    async def close(self) -> None: ...

    async def server_time_ns(self) -> int: ...

    async def market_info(self, market: str) -> MarketInfo: ...

    async def fetch_orderbook(self, market: str, depth: int = 50) -> OrderBook: ...

    async def fetch_trades(self, market: str, limit: int = 100) -> Sequence[PublicTrade]: ...

    async def fetch_balances(self) -> Sequence[Balance]: ...

    async def submit_order(self, request: OrderRequest, guard: SendGuard | None = None) -> OwnOrder: ...

    async def amend_order(self, request: AmendRequest, guard: SendGuard | None = None) -> OwnOrder: ...

    async def cancel_order(self, market: str, client_order_id: str) -> OwnOrder: ...

    async def replace_quote(self, steps: Sequence[QuoteStep], guard: SendGuard | None = None) -> Sequence[StepOutcome]:
        """Cancels go first; amends and submits run side by side. Never raises for a single step: each has its outcome."""

    async def cancel_all(self, market: str | None = None) -> int: ...

    async def cancel_after(self, timeout_s: float | None) -> None:
        """Dead man's switch of the account: all orders are cancelled unless renewed within `timeout_s`; None disarms."""

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None: ...

    async def fetch_open_orders(self, market: str | None = None) -> Sequence[OwnOrder]: ...

    async def fetch_my_trades(self, market: str | None = None, cursor: str = "", limit: int = 100) -> Sequence[OwnFill]:
        """Own fills after `cursor` (exclusive), oldest first; each carries its cursor."""

    async def fetch_transfers(self, cursor: str = "", limit: int = 100) -> Sequence[VenueTransfer]: ...

    async def fetch_funding(
        self, market: str | None = None, cursor: str = "", limit: int = 100
    ) -> Sequence[FundingPayment]:
        """Funding payments after `cursor` (exclusive), oldest first; each carries its cursor. Empty for spot."""

    async def fetch_positions(self) -> Sequence[VenuePosition]:
        """Positions on the account's perpetuals; one that is not told is flat. Empty for spot."""

    async def fetch_funding_rate(self, market: str) -> FundingRate | None:
        """What the next funding will cost; None for spot."""

    def stream_book(self, market: str) -> AsyncIterator[OrderBook | ProofOfLife | StreamReset]:
        """Whole assembled books; a sequence gap forces a fresh snapshot (told by StreamReset). Ends only when closed."""

    def stream_trades(self, market: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]: ...

    def stream_own(self) -> AsyncIterator[OwnOrder | OwnFill | ProofOfLife | StreamReset]: ...
