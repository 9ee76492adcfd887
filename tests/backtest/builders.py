"""Recorded cycles for tests of previews: one sound market at 100.00, changed field by field."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.strategy.builders import inputs as quote_inputs
from trading.backtest.recorded import RecordedPrint, RecordedWindow
from trading.parameters.schema import SCHEMA
from trading.quoting.inputs import order_limits
from trading.quoting.plan import CycleInputs
from trading.risk.breakers import BreakerConditions, BreakerFacts
from trading.risk.parameters import risk_parameters
from trading.risk.rules import MarketConditions
from trading.risk.side import Side
from trading.risk.states import TradingState
from trading.strategy.quote_types import QuoteInputs

START_NS = 1_767_225_600_000_000_000
SECOND_NS = 1_000_000_000


def values(**overrides: str) -> dict[str, Decimal]:
    """The schema's defaults, room for every size, with some values replaced."""
    wide = {"max_notional_per_side": "100000", "max_order_notional": "100000"}
    return {spec.name: Decimal(str((wide | overrides).get(spec.name, spec.default))) for spec in SCHEMA}


def facts(**overrides: Any) -> BreakerFacts:
    found: dict[str, Any] = {
        "view_age_s": 0.1, "cycle_s": 1.0, "reference_price": 100.0, "second_price": None, "rolling_mid": 100.0,
        "sigma": 1e-4, "pnl_quote": 0.0, "peak_quote": 0.0, "rejects_in_a_row": 0, "markout_bps": None, "markout_fills": 0,
        "clock_skew_ms": 0.0, "balance_gap_lots": 0.0, "balance_gap_s": 0.0,
    }  # fmt: skip
    return BreakerFacts(**{**found, **overrides})


def cycle(second: float = 0.0, *, about: BreakerFacts | None = None, **overrides: Any) -> CycleInputs:
    """A cycle `second` seconds after the start, recorded under the default values; overrides are fields of `QuoteInputs`."""
    quote: QuoteInputs = quote_inputs(**overrides)
    risk = risk_parameters(values())
    conditions = MarketConditions(
        feed_age_s=0.1, best_bid=Decimal("99.99"), best_ask=Decimal("100.01"), reference_price=quote.reference.price,
        q_lots=quote.q_lots, feed_stale_s=3.0, soft_limit_lots=18.0, q_hard_lots=20.0,
        breakers=BreakerConditions(about or facts(), risk.breakers),
    )  # fmt: skip
    return CycleInputs(
        slug="made-up", at_ns=START_NS + round(second * SECOND_NS), state=TradingState.ACTIVE, state_reasons=(), problem="",
        problem_args=(), conditions=conditions, quote=quote, position=Decimal(0), target=Decimal(0),
        unsettled_bought=Decimal(0), unsettled_sold=Decimal(0), orders=(), amend_supported=True, parameter_version=1,
        order_limits=order_limits(risk, quote.market), requests_this_minute=0,
    )  # fmt: skip


def without_numbers(second: float, problem: str) -> CycleInputs:
    """A cycle that had nothing to quote from."""
    return replace(cycle(second), problem=problem, quote=None, conditions=None, order_limits=None)


def trade(second: float, side: Side, price: str, size: str = "1") -> RecordedPrint:
    return RecordedPrint(START_NS + round(second * SECOND_NS), side, Decimal(price), Decimal(size))


def window(*cycles: CycleInputs, prints: tuple[RecordedPrint, ...] | None = ()) -> RecordedWindow:
    """A window of one cycle a second."""
    return RecordedWindow(
        market="made-up", seconds=60.0, first_ns=cycles[0].at_ns if cycles else 0, last_ns=cycles[-1].at_ns if cycles else 0,
        slot_ns=SECOND_NS, found=len(cycles), unreadable=0, cycles=cycles, prints=prints,
        prints_problem="no_record" if prints is None else "",
    )  # fmt: skip
