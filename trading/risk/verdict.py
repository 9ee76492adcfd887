"""What a risk rule finds: coded, without text, so that pages translate it and logs count it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trading.risk.states import TradingState


class Rule(StrEnum):
    """Every rule; a verdict, lock and alert names its rule."""

    FEED = "feed"
    REFERENCE = "reference"
    BOOK = "book"
    SOFT_LIMIT = "soft_limit"
    HARD_LIMIT = "hard_limit"
    ASSET_LIMIT = "asset_limit"
    DESK_LIMIT = "desk_limit"
    EXPOSURE = "exposure"
    FROZEN = "frozen"
    SECOND_SOURCE = "second_source"
    PRICE_JUMP = "price_jump"
    VOLATILITY = "volatility"
    DRAWDOWN = "drawdown"
    REJECTS = "rejects"
    TOXICITY = "toxicity"
    CLOCK_SKEW = "clock_skew"
    VENUE_BALANCE = "venue_balance"
    PARAMETERS = "parameters"
    RECONCILIATION = "reconciliation"
    INBOX = "inbox"
    GATE = "gate"


class ReasonCode(StrEnum):
    """Why a rule fired."""

    FEED_STALE = "feed_stale"
    FEED_AGE_UNKNOWN = "feed_age_unknown"
    NO_REFERENCE = "no_reference"
    REFERENCE_INVALID = "reference_invalid"
    BOOK_EMPTY = "book_empty"
    BOOK_CROSSED = "book_crossed"
    SOFT_LIMIT_REACHED = "soft_limit_reached"
    HARD_LIMIT_REACHED = "hard_limit_reached"
    ASSET_SOFT_LIMIT_REACHED = "asset_soft_limit_reached"
    ASSET_HARD_LIMIT_REACHED = "asset_hard_limit_reached"
    DESK_SOFT_LIMIT_REACHED = "desk_soft_limit_reached"
    DESK_HARD_LIMIT_REACHED = "desk_hard_limit_reached"
    INVENTORY_UNKNOWN = "inventory_unknown"
    EXPOSURE_MARKET = "exposure_market"
    EXPOSURE_ASSET = "exposure_asset"
    EXPOSURE_DESK = "exposure_desk"
    INPUT_FROZEN = "input_frozen"
    SOURCES_DISAGREE = "sources_disagree"
    PRICE_JUMPED = "price_jumped"
    VOLATILITY_EXTREME = "volatility_extreme"
    DRAWDOWN_REACHED = "drawdown_reached"
    PNL_UNKNOWN = "pnl_unknown"
    REJECTS_IN_A_ROW = "rejects_in_a_row"
    FLOW_TOXIC = "flow_toxic"
    CLOCK_SKEWED = "clock_skewed"
    CLOCK_UNKNOWN = "clock_unknown"
    BALANCE_UNLIKE_INVENTORY = "balance_unlike_inventory"
    NOTIONAL_PER_ORDER = "notional_per_order"
    NOTIONAL_PER_SIDE = "notional_per_side"
    BALANCE_TOO_SMALL = "balance_too_small"
    BALANCE_UNKNOWN = "balance_unknown"
    ORDER_RATE = "order_rate"
    PRICE_BAND = "price_band"
    SELF_CROSS = "self_cross"
    FEED_DISCONNECTED = "feed_disconnected"
    PARAMETERS_UNKNOWN = "parameters_unknown"
    NOT_RECONCILED = "not_reconciled"
    RECONCILIATION_DIFFERS = "reconciliation_differs"
    INBOX_FILLING = "inbox_filling"
    INBOX_FULL = "inbox_full"
    GATE_DISCLOSURES = "gate_disclosures"


class Release(StrEnum):
    """How what a rule imposed ends."""

    WHEN_CLEAR = "when_clear"  # as soon as the rule no longer fires
    COOL_DOWN = "cool_down"  # a stated time after the rule last fired, or when one operator resumes
    TWO_PEOPLE = "two_people"  # an operator and an approver resume


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule fired. `data` holds the numbers it compared, as (name with unit, text) pairs."""

    rule: Rule
    reason: ReasonCode
    state_imposed: TradingState
    release: Release = Release.WHEN_CLEAR
    data: tuple[tuple[str, str], ...] = ()
