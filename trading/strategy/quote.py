"""From inputs to a two-sided quote: Avellaneda-Stoikov inside guardrails.

The order of the guardrails is part of the contract: floor, cap, widening, inventory skew, bounded shift,
tick, post-only, band, size. For any parameters in bounds neither quote passes the reference, because the
shift is bounded by `SHIFT_BOUND` < 1 half-spreads and rounding only moves prices away from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.risk.side import Side
from trading.strategy.avellaneda_stoikov import optimal_spread, reservation_price
from trading.strategy.quote_types import (
    MarketRules,
    QuoteInputs,
    QuoteReason,
    QuoteResult,
    SideQuote,
    SpreadBound,
)
from trading.strategy.rounding import CONTEXT, ZERO, ceil_to_step, floor_to_step, round_to_tick
from trading.strategy.sizing import permitted_size

SHIFT_BOUND: Final = 0.9
_BPS: Final = 1e-4


@dataclass(frozen=True, slots=True)
class _Spread:
    raw: float
    bounded: float
    bound: SpreadBound


def compute_quote(inputs: QuoteInputs) -> QuoteResult:
    """Quote for one market; never raises for numbers out of range, the reason is on each side instead.

    Units and shapes are those of `QuoteInputs`; prices and sizes leave as `Decimal` on the venue's grids.
    """
    if not _inputs_are_usable(inputs):
        return _nothing(QuoteReason.INVALID_INPUT)
    p = inputs.parameters
    s = inputs.reference.price
    # Parameters are relative to price; the formulas want price units.
    gamma_abs, kappa_abs, sigma_abs = p.gamma / s, p.kappa / s, inputs.sigma * s
    r = reservation_price(s, inputs.q_lots, gamma_abs, sigma_abs, p.horizon_s)
    spread = _bounded_spread(inputs, optimal_spread(gamma_abs, sigma_abs, p.horizon_s, kappa_abs))
    delta = spread.bounded * max(inputs.widen_factor, 1.0)
    half = delta / 2.0
    k = p.beta * _clamp(inputs.q_lots / p.q_soft_lots, 1.0) * half
    shift_raw = (r - s) - k
    shift = _clamp(shift_raw, SHIFT_BOUND * half)
    if not (math.isfinite(spread.raw) and math.isfinite(delta) and math.isfinite(shift_raw)):
        return _nothing(QuoteReason.INVALID_INPUT)
    return QuoteResult(
        r=r,
        delta_raw=spread.raw,
        delta=delta,
        k=k,
        shift_raw=shift_raw,
        shift=shift,
        spread_bound=spread.bound,
        # The offset is formed first: it is never positive for the bid, so neither is rounding of the sum.
        bid=_side_quote(Side.BUY, s + (shift - half), inputs),
        ask=_side_quote(Side.SELL, s + (shift + half), inputs),
    )


def spread_and_skew_bps(quote: QuoteResult, reference_price: float) -> tuple[float, float] | None:
    """Full spread after guardrails, and the shift of its middle, in bps of the reference; None where nothing was computed."""
    if quote.delta is None or quote.shift is None or not reference_price:
        return None
    return quote.delta / reference_price * 1e4, quote.shift / reference_price * 1e4


def _bounded_spread(inputs: QuoteInputs, raw: float) -> _Spread:
    """Floor, then cap, in price units; widening comes after."""
    p, s = inputs.parameters, inputs.reference.price
    fee_floor_bps = 2.0 * inputs.market.maker_fee_bps + p.fee_cushion_bps
    delta, bound = raw, SpreadBound.FORMULA
    for floor, name in (
        (p.spread_floor_bps * _BPS * s, SpreadBound.SPREAD_FLOOR),
        (fee_floor_bps * _BPS * s, SpreadBound.FEE_FLOOR),
        (2.0 * float(inputs.market.tick), SpreadBound.TICK_FLOOR),
    ):
        if floor > delta:
            delta, bound = floor, name
    cap = p.spread_cap_bps * _BPS * s
    if delta > cap:
        delta, bound = cap, SpreadBound.CAP
    return _Spread(raw, delta, bound)


def _side_quote(side: Side, raw_price: float, inputs: QuoteInputs) -> SideQuote:
    """One side on the venue's grids, or the reason for not quoting it."""
    market = inputs.market
    if raw_price <= 0.0:
        return SideQuote(side, raw_price, None, ZERO, QuoteReason.NO_POSITIVE_PRICE)
    price = _behind_opposite_best(side, round_to_tick(raw_price, market.tick, side), inputs)
    if price <= ZERO:
        return SideQuote(side, raw_price, None, ZERO, QuoteReason.NO_POSITIVE_PRICE)
    if _outside_band(price, market):
        return SideQuote(side, raw_price, None, ZERO, QuoteReason.OUTSIDE_PRICE_BAND)
    permission = inputs.bid_permission if side is Side.BUY else inputs.ask_permission
    size, reason = permitted_size(side, price, inputs.q_lots, permission, inputs.balances, inputs.parameters, market)
    return SideQuote(side, raw_price, price if reason is None else None, size, reason)


def _behind_opposite_best(side: Side, price: Decimal, inputs: QuoteInputs) -> Decimal:
    """`price`, or one tick inside the opposite foreign best where it would cross or lock it."""
    tick = inputs.market.tick
    if side is Side.BUY:
        if inputs.best_ask is None or price < inputs.best_ask:
            return price
        return floor_to_step(max(CONTEXT.subtract(inputs.best_ask, tick), ZERO), tick)
    if inputs.best_bid is None or price > inputs.best_bid:
        return price
    return ceil_to_step(CONTEXT.add(inputs.best_bid, tick), tick)


def _outside_band(price: Decimal, market: MarketRules) -> bool:
    below = market.price_low is not None and price < market.price_low
    above = market.price_high is not None and price > market.price_high
    return below or above


def _inputs_are_usable(inputs: QuoteInputs) -> bool:
    """A number that can't be used must stop the quote, never shape it (NaN compares false with everything)."""
    p, market, s = inputs.parameters, inputs.market, inputs.reference.price
    not_negative = p.gamma, p.beta, p.spread_floor_bps, p.fee_cushion_bps, inputs.sigma, inputs.widen_factor
    positive = s, p.kappa, p.horizon_s, p.q_soft_lots, p.spread_cap_bps
    # One not-finite term makes the whole sum not finite.
    everything = sum((*not_negative, *positive, inputs.q_lots, p.q_hard_lots, market.maker_fee_bps))
    return (
        math.isfinite(everything)
        and min(positive) > 0.0
        and min(not_negative) >= 0.0
        and p.beta <= 1.0
        and min(market.tick, market.lot_step, market.lot_size) > ZERO
    )


def _clamp(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)


def _nothing(reason: QuoteReason) -> QuoteResult:
    bid = SideQuote(Side.BUY, None, None, ZERO, reason)
    ask = SideQuote(Side.SELL, None, None, ZERO, reason)
    return QuoteResult(None, None, None, None, None, None, None, bid, ask)
