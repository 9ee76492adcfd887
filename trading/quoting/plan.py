"""What one cycle decides, as values: everything that goes in, everything that comes out. A decision stores both."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.orders.steps import PlannedStep
from trading.risk.order_rules import OrderLimits
from trading.risk.rules import MarketConditions
from trading.risk.side import Side
from trading.risk.states import TradingState
from trading.risk.verdict import Verdict
from trading.strategy.quote_types import QuoteInputs, QuoteResult, SideQuote


class SlotStatus(StrEnum):
    """Where an own order stands, as far as its slot is concerned."""

    LIVE = "live"
    IN_FLIGHT = "in_flight"  # sent, unknown, an amend under way: blocks the slot
    CANCEL_PENDING = "cancel_pending"
    ADOPTED = "adopted"  # placed by hand and left there: counts, and is nobody's slot


@dataclass(frozen=True, slots=True)
class SlotOrder:
    """An own order that may rest or fill. `quantity`: what could still fill, the larger one while an amend is under way;
    `filled`: of `size`, base. `is_current`: placed under the epoch in force, by us."""

    client_order_id: str
    side: Side
    level: int
    price: Decimal
    size: Decimal
    filled: Decimal
    quantity: Decimal
    status: SlotStatus
    is_current: bool
    is_foreign: bool = False  # nobody here sent it


@dataclass(frozen=True, slots=True)
class CycleInputs:
    """Every input of one cycle's decision. `state` is the strictest of control and locks as known at the snapshot, with the
    coded `state_reasons`; `problem` is a coded reason for which the numbers are missing (`conditions`, `quote` are None then).
    `quote` carries full permissions: state and risk narrow them. `position` and `target` in base units; `unsettled_base` is
    what recently filled orders may not yet have brought into `position`, per side."""

    slug: str
    at_ns: int
    state: TradingState
    state_reasons: tuple[str, ...]
    problem: str
    problem_args: tuple[tuple[str, str], ...]
    conditions: MarketConditions | None
    quote: QuoteInputs | None
    position: Decimal
    target: Decimal
    unsettled_bought: Decimal
    unsettled_sold: Decimal
    orders: tuple[SlotOrder, ...]
    amend_supported: bool
    parameter_version: int
    order_limits: OrderLimits | None = None  # None only in decisions from before there were any
    requests_this_minute: int = 0


@dataclass(frozen=True, slots=True)
class CyclePlan:
    """The decision: state it quotes under, rules that fired, the quote, the targets after the exposure limit, what to do.

    `outcome` is quoting, one_sided or not_quoting; `reason` is coded, "" when both sides quote."""

    state: TradingState
    verdicts: tuple[Verdict, ...]
    quote: QuoteResult | None
    bid: SideQuote | None
    ask: SideQuote | None
    steps: tuple[PlannedStep, ...]
    outcome: str
    reason: str
