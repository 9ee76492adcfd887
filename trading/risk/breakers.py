"""Breakers of one market's cycle, a function each. A breaker that can't be checked has fired: unknown is never fine.

What needs memory (the peak of the session, rejects in a row, how long a gap has stood) comes in as a number; keeping it is
the caller's. The same functions judge live cycles, backtests and replays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Release, Rule, Verdict

# Own values older than this many cycles are frozen (but never judged below what market data needs to publish twice).
FROZEN_CYCLES: Final = 3
FROZEN_AT_LEAST_S: Final = 1.5
# A gap between ledger and venue is what is under way, unless it stands for longer.
GAP_STANDS_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """Thresholds as in the parameter schema: bps of price, per square root of a second, quote units, counts, ms, lots, s."""

    reference_deviation_bps: float
    price_jump_bps: float
    sigma_break: float
    drawdown_limit_quote: float
    reject_limit: int
    toxicity_bps: float
    toxicity_fills: int
    clock_skew_max_ms: float
    balance_gap_lots: float
    cooldown_s: float


@dataclass(frozen=True, slots=True)
class BreakerFacts:
    """What the breakers look at. None: not known, or where said so, that there is nothing to know.

    `view_age_s`: since market data last published; `cycle_s`: the market's refresh interval. `second_price`: of another source
    than the reference (None: there is none now). `rolling_mid`: (None: none yet). `pnl_quote`, `peak_quote`: of the session,
    without the target inventory's own price moves. `markout_bps`: mean over the last `markout_fills` own fills on the breaker's
    horizon, positive is good for us. `balance_gap_lots`: venue's balance against ledger (None: can't be told apart for this
    market), standing for `balance_gap_s`."""

    view_age_s: float | None
    cycle_s: float
    reference_price: float | None
    second_price: float | None
    rolling_mid: float | None
    sigma: float | None
    pnl_quote: float | None
    peak_quote: float | None
    rejects_in_a_row: int
    markout_bps: float | None
    markout_fills: int
    clock_skew_ms: float | None
    balance_gap_lots: float | None
    balance_gap_s: float


@dataclass(frozen=True, slots=True)
class BreakerConditions:
    """Facts beside their limits."""

    facts: BreakerFacts
    limits: BreakerLimits


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _bps_between(one: float, other: float) -> float:
    return abs(one / other - 1.0) * 1e4 if other > 0.0 else math.inf


def input_frozen(facts: BreakerFacts) -> Verdict | None:
    """Market data published within the last three cycles."""
    bound_s = max(FROZEN_CYCLES * facts.cycle_s, FROZEN_AT_LEAST_S)
    age_s = facts.view_age_s
    if age_s is None or not math.isfinite(age_s) or age_s > bound_s:
        data = (("view_age_s", repr(age_s)), ("bound_s", repr(bound_s)))
        return Verdict(Rule.FROZEN, ReasonCode.INPUT_FROZEN, TradingState.PAUSED, data=data)
    return None


def sources_agree(facts: BreakerFacts, bound_bps: float) -> Verdict | None:
    """The reference lies near the price of a second source, where there is one."""
    if facts.second_price is None or facts.reference_price is None:
        return None
    apart = _bps_between(facts.reference_price, facts.second_price)
    if not apart <= bound_bps:
        data = (("deviation_bps", repr(apart)), ("reference_deviation_bps", repr(bound_bps)))
        return Verdict(Rule.SECOND_SOURCE, ReasonCode.SOURCES_DISAGREE, TradingState.PAUSED, data=data)
    return None


def no_price_jump(facts: BreakerFacts, bound_bps: float) -> Verdict | None:
    """The reference has not left its rolling mean at once."""
    if facts.rolling_mid is None or facts.reference_price is None:
        return None
    moved = _bps_between(facts.reference_price, facts.rolling_mid)
    if not moved <= bound_bps:
        data = (("jump_bps", repr(moved)), ("price_jump_bps", repr(bound_bps)))
        return Verdict(Rule.PRICE_JUMP, ReasonCode.PRICE_JUMPED, TradingState.PAUSED, Release.COOL_DOWN, data)
    return None


def volatility_bearable(facts: BreakerFacts, bound: float) -> Verdict | None:
    """Measured volatility, before any clamp, is below the breaker."""
    if facts.sigma is None or not facts.sigma <= bound:
        data = (("sigma", repr(facts.sigma)), ("sigma_break", repr(bound)))
        return Verdict(Rule.VOLATILITY, ReasonCode.VOLATILITY_EXTREME, TradingState.PAUSED, Release.COOL_DOWN, data)
    return None


def within_drawdown(facts: BreakerFacts, limit_quote: float) -> Verdict | None:
    """P&L has not fallen from the session's peak by the limit; else two people resume."""
    if facts.pnl_quote is None or facts.peak_quote is None or not _finite(facts.pnl_quote - facts.peak_quote):
        return Verdict(Rule.DRAWDOWN, ReasonCode.PNL_UNKNOWN, TradingState.PAUSED)
    fallen = facts.peak_quote - facts.pnl_quote
    if fallen >= limit_quote:
        data = (("drawdown_quote", repr(fallen)), ("drawdown_limit_quote", repr(limit_quote)))
        return Verdict(Rule.DRAWDOWN, ReasonCode.DRAWDOWN_REACHED, TradingState.PAUSED, Release.TWO_PEOPLE, data)
    return None


def few_rejects(facts: BreakerFacts, limit: int) -> Verdict | None:
    """The venue did not refuse `limit` requests in a row."""
    if facts.rejects_in_a_row >= limit:
        data = (("rejects_in_a_row", str(facts.rejects_in_a_row)), ("reject_limit", str(limit)))
        return Verdict(Rule.REJECTS, ReasonCode.REJECTS_IN_A_ROW, TradingState.PAUSED, Release.COOL_DOWN, data)
    return None


def flow_bearable(facts: BreakerFacts, limits: BreakerLimits) -> Verdict | None:
    """The price does not run away behind our fills: their mean markout is not worse than the limit. Judged once there are
    enough fills."""
    if facts.markout_fills < limits.toxicity_fills:
        return None
    if facts.markout_bps is None or not facts.markout_bps > -limits.toxicity_bps:
        data = (("markout_bps", repr(facts.markout_bps)), ("toxicity_bps", repr(limits.toxicity_bps)))
        return Verdict(Rule.TOXICITY, ReasonCode.FLOW_TOXIC, TradingState.PAUSED, Release.COOL_DOWN, data)
    return None


def clock_right(facts: BreakerFacts, bound_ms: float) -> Verdict | None:
    """The venue's clock and ours agree; else deadlines mean nothing."""
    if facts.clock_skew_ms is None or not math.isfinite(facts.clock_skew_ms):
        return Verdict(Rule.CLOCK_SKEW, ReasonCode.CLOCK_UNKNOWN, TradingState.PAUSED)
    if abs(facts.clock_skew_ms) > bound_ms:
        data = (("clock_skew_ms", repr(facts.clock_skew_ms)), ("clock_skew_max_ms", repr(bound_ms)))
        return Verdict(Rule.CLOCK_SKEW, ReasonCode.CLOCK_SKEWED, TradingState.PAUSED, data=data)
    return None


def balance_like_inventory(facts: BreakerFacts, bound_lots: float) -> Verdict | None:
    """The venue holds what our inventory says, give or take what is under way."""
    gap = facts.balance_gap_lots
    if gap is None:
        return None
    if not abs(gap) <= bound_lots and facts.balance_gap_s >= GAP_STANDS_S:
        data = (("balance_gap_lots", repr(gap)), ("bound_lots", repr(bound_lots)), ("for_s", repr(facts.balance_gap_s)))
        return Verdict(Rule.VENUE_BALANCE, ReasonCode.BALANCE_UNLIKE_INVENTORY, TradingState.REDUCING, data=data)
    return None


def assess_standing(conditions: BreakerConditions) -> tuple[Verdict, ...]:
    """Breakers whose cause lies in the market or the venue now. What the others remember (rejects, fills, the session's peak) is
    what a person resumes from."""
    facts, limits = conditions.facts, conditions.limits
    verdicts = (
        input_frozen(facts),
        sources_agree(facts, limits.reference_deviation_bps),
        no_price_jump(facts, limits.price_jump_bps),
        volatility_bearable(facts, limits.sigma_break),
        clock_right(facts, limits.clock_skew_max_ms),
    )
    return tuple(verdict for verdict in verdicts if verdict is not None)


def assess_breakers(conditions: BreakerConditions) -> tuple[Verdict, ...]:
    """Every breaker that fired, in a fixed order."""
    facts, limits = conditions.facts, conditions.limits
    verdicts = (
        within_drawdown(facts, limits.drawdown_limit_quote),
        input_frozen(facts),
        sources_agree(facts, limits.reference_deviation_bps),
        no_price_jump(facts, limits.price_jump_bps),
        volatility_bearable(facts, limits.sigma_break),
        few_rejects(facts, limits.reject_limit),
        flow_bearable(facts, limits),
        clock_right(facts, limits.clock_skew_max_ms),
        balance_like_inventory(facts, limits.balance_gap_lots),
    )
    return tuple(verdict for verdict in verdicts if verdict is not None)
