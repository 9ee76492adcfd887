"""Values in and out of `compute_quote`. All frozen; a decision stores them and replay reads them back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.risk.side import Side
from trading.risk.states import SidePermission
from trading.strategy.parameters import QuoteParameters


class QuoteReason(StrEnum):
    """Why a side does not quote."""

    INVALID_INPUT = "invalid_input"  # a number that is not finite or not positive
    STATE_FORBIDS = "state_forbids"
    ONLY_REDUCING = "only_reducing"  # this side would add exposure
    INVENTORY_LIMIT = "inventory_limit"  # taper left nothing that may be traded
    BALANCE_UNKNOWN = "balance_unknown"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NOTIONAL_LIMIT = "notional_limit"
    BELOW_MINIMUM_SIZE = "below_minimum_size"
    BELOW_MINIMUM_NOTIONAL = "below_minimum_notional"
    OUTSIDE_PRICE_BAND = "outside_price_band"
    NO_POSITIVE_PRICE = "no_positive_price"
    # Rules of a single order (trading.risk.order_rules); the words are theirs.
    NOTIONAL_PER_ORDER = "notional_per_order"
    NOTIONAL_PER_SIDE = "notional_per_side"
    BALANCE_TOO_SMALL = "balance_too_small"
    ORDER_RATE = "order_rate"
    PRICE_BAND = "price_band"
    SELF_CROSS = "self_cross"


class SpreadBound(StrEnum):
    """What decided the spread before widening."""

    FORMULA = "formula"
    SPREAD_FLOOR = "spread_floor"
    FEE_FLOOR = "fee_floor"
    TICK_FLOOR = "tick_floor"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Reference:
    """Reference mid `price` (quote per base), the source it came from, and that source's age in s."""

    price: float
    source: str
    age_s: float


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What the venue and the registry fix. Prices quote per base, sizes base; fees in bps of notional.

    `lot_size` is the base quantity of one lot; `price_low`/`price_high` bound what the venue accepts;
    `max_fee_bps` is the fee the venue holds for a resting bid (the larger of maker and taker).
    """

    tick: Decimal
    lot_step: Decimal
    lot_size: Decimal
    min_size: Decimal
    min_notional: Decimal
    maker_fee_bps: float
    max_fee_bps: Decimal
    price_low: Decimal | None = None
    price_high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balances:
    """Balances a quote may use: free at the venue plus what our own orders of this market hold, since those are
    replaced by it. None: unknown, and then the side does not quote."""

    base: Decimal | None
    quote: Decimal | None


@dataclass(frozen=True, slots=True)
class QuoteInputs:
    """Every number the quote depends on.

    `best_bid`/`best_ask` are the foreign best prices (own orders removed), None where that side is empty.
    `q_lots` is inventory from target; `sigma` the effective volatility, relative per square root of second;
    `widen_factor` all widening multiplied (>= 1).
    """

    reference: Reference
    best_bid: Decimal | None
    best_ask: Decimal | None
    q_lots: float
    sigma: float
    widen_factor: float
    bid_permission: SidePermission
    ask_permission: SidePermission
    market: MarketRules
    balances: Balances
    parameters: QuoteParameters


@dataclass(frozen=True, slots=True)
class SideQuote:
    """One side. `raw_price` before rounding; `price` None and `size` 0 where `reason` says why not to quote."""

    side: Side
    raw_price: float | None
    price: Decimal | None
    size: Decimal
    reason: QuoteReason | None


@dataclass(frozen=True, slots=True)
class QuoteResult:
    """Both sides and how they came about, in price units.

    `r` reservation price; `delta_raw` the formula's full spread, `delta` after guardrails and widening;
    `k` inventory skew; `shift_raw` = (r - s) - k; `shift` bounded. None of them where the input was invalid.
    """

    r: float | None
    delta_raw: float | None
    delta: float | None
    k: float | None
    shift_raw: float | None
    shift: float | None
    spread_bound: SpreadBound | None
    bid: SideQuote
    ask: SideQuote
