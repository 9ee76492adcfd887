"""EWMA volatility of the reference price on a previous-tick grid, as a pure state machine.

`v <- w v + (1 - w) r^2 / dt`, `w = exp(-dt / L)`, `sigma = sqrt(v)` per square root of second, with log
returns `r` between grid points `dt` apart. Sampling tick by tick instead would count the bounce between bid
and ask as volatility. The caller steps at every price and also while the price stands still (each proof of
life of the feed), so that quiet seconds enter as zero returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from trading.strategy.parameters import QuoteParameters


class Regime(StrEnum):
    """Measured volatility against the market's prior."""

    CALM = "calm"
    NORMAL = "normal"
    STRESSED = "stressed"


@dataclass(frozen=True, slots=True)
class EwmaParams:
    """`step_s` grid step, `lookback_s` decay L, `gap_s` silence that breaks the chain of returns, all s;
    `sigma_*` relative, per square root of second; ratios are multiples of `sigma_prior`."""

    step_s: float
    lookback_s: float
    gap_s: float
    sigma_min: float
    sigma_max: float
    sigma_prior: float
    calm_ratio: float = 0.5
    stressed_ratio: float = 3.0


def ewma_params(parameters: QuoteParameters) -> EwmaParams:
    """The volatility part of a market's parameters; a feed counts as broken when it counts as stale."""
    return EwmaParams(
        step_s=parameters.sigma_step_s,
        lookback_s=parameters.vol_lookback_s,
        gap_s=max(parameters.feed_stale_s, parameters.sigma_step_s),
        sigma_min=parameters.sigma_min,
        sigma_max=parameters.sigma_max,
        sigma_prior=parameters.sigma_prior,
        calm_ratio=parameters.regime_calm_ratio,
        stressed_ratio=parameters.regime_stressed_ratio,
    )


@dataclass(frozen=True, slots=True)
class EwmaState:
    """`variance` per s; `last_*` the newest observation; `grid_index` the last grid point already sampled and
    `grid_price` its price (None: no sample since start or gap); `samples` returns used so far."""

    variance: float
    last_price: float | None = None
    last_t_s: float = 0.0
    grid_index: int = 0
    grid_price: float | None = None
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Volatility:
    """`raw` as measured, `effective` clamped to the bounds, both relative per square root of second."""

    raw: float
    effective: float
    regime: Regime
    warm: bool
    samples: int


def initial_state(params: EwmaParams) -> EwmaState:
    """State before the first price: the prior."""
    return EwmaState(variance=params.sigma_prior * params.sigma_prior)


def step(state: EwmaState, price: float, t_s: float, params: EwmaParams) -> EwmaState:
    """State after the reference was seen at `price` at time `t_s` (s, on one monotonic clock).

    Grid points strictly before `t_s` are closed with the price last seen before them; one that falls on
    `t_s` waits, since more prices may carry the same time. An observation older than the newest one is
    ignored: its grid points are closed already. After more than `gap_s` of silence, or when the clock itself
    started again (restored state), a new chain of returns starts and the variance is kept.

    Raises:
        ValueError: `price` is not positive and finite, or `t_s` not finite.
    """
    if not (math.isfinite(price) and price > 0.0 and math.isfinite(t_s)):
        raise ValueError(f"price must be positive and time finite, got {price!r} at {t_s!r}")
    newest_index = math.ceil(t_s / params.step_s) - 1
    if state.last_price is None or abs(t_s - state.last_t_s) > params.gap_s:
        return replace(state, last_price=price, last_t_s=t_s, grid_index=newest_index, grid_price=None)
    if t_s < state.last_t_s:
        return state
    sampled = _sample(state, state.last_price, newest_index, params)
    return replace(sampled, last_price=price, last_t_s=t_s)


def _sample(state: EwmaState, price: float, newest_index: int, params: EwmaParams) -> EwmaState:
    """Close the grid points after `state.grid_index` up to `newest_index` with `price`."""
    points = newest_index - state.grid_index
    if points <= 0:
        return state
    weight = math.exp(-params.step_s / params.lookback_s)
    variance, samples = state.variance, state.samples
    if state.grid_price is not None:
        log_return = math.log(price / state.grid_price)
        variance = weight * variance + (1.0 - weight) * log_return * log_return / params.step_s
        samples += 1
    # The remaining points repeat the same price: zero returns, which only decay the variance.
    variance *= weight ** (points - 1)
    samples += points - 1
    return replace(state, variance=variance, grid_index=newest_index, grid_price=price, samples=samples)


def volatility(state: EwmaState, params: EwmaParams) -> Volatility:
    """Raw and effective sigma, regime, and whether one look-back has been measured."""
    raw = math.sqrt(state.variance)
    return Volatility(
        raw=raw,
        effective=clamped_sigma(raw, params),
        regime=regime(raw, params),
        warm=state.samples * params.step_s >= params.lookback_s,
        samples=state.samples,
    )


def clamped_sigma(sigma_raw: float, params: EwmaParams) -> float:
    """A measured sigma within the bounds quotes may use."""
    return min(max(sigma_raw, params.sigma_min), params.sigma_max)


def regime(sigma_raw: float, params: EwmaParams) -> Regime:
    """Regime of a measured sigma by its ratio to the prior."""
    if sigma_raw >= params.stressed_ratio * params.sigma_prior:
        return Regime.STRESSED
    if sigma_raw <= params.calm_ratio * params.sigma_prior:
        return Regime.CALM
    return Regime.NORMAL


def total_widening(
    parameters: QuoteParameters,
    regime: Regime,
    reference_widen: float = 1.0,
    operator: float = 1.0,
    toxic: float = 1.0,
) -> float:
    """Factor on the spread (>= 1): standing parameter x operator x stressed regime x what the reference's source asks x what
    toxic flow asks.

    `reference_widen` is `ref_fallback_widen` while a fallback source gives the reference, else 1; no factor narrows.
    """
    stressed = parameters.widen_stressed_factor if regime is Regime.STRESSED else 1.0
    factor = 1.0
    for part in (parameters.widen_factor, operator, stressed, reference_widen, toxic):
        factor *= max(part, 1.0)
    return factor
