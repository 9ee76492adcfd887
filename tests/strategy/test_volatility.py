"""EWMA on a previous-tick grid: hand-computed steps, gaps, irregular arrival, properties."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.builders import parameters
from trading.strategy.volatility import (
    EwmaParams,
    EwmaState,
    Regime,
    ewma_params,
    initial_state,
    regime,
    step,
    total_widening,
    volatility,
)

PARAMS = EwmaParams(step_s=1.0, lookback_s=60.0, gap_s=3.0, sigma_min=1e-5, sigma_max=1e-2, sigma_prior=1e-4)


def run(observations: list[tuple[float, float]], params: EwmaParams = PARAMS) -> EwmaState:
    state = initial_state(params)
    for t_s, price in observations:
        state = step(state, price, t_s, params)
    return state


def test_starts_at_the_prior() -> None:
    found = volatility(initial_state(PARAMS), PARAMS)
    assert (found.raw, found.effective, found.regime, found.warm) == (1e-4, 1e-4, Regime.NORMAL, False)


def test_one_return_by_hand() -> None:
    """Prices 100 at 0.5 s and 101 at 1.5 s: grid 1 s sees 100, grid 2 s sees 101, known from 2.5 s on."""
    w = math.exp(-1 / 60)
    before = run([(0.5, 100.0), (1.5, 101.0)])
    assert before.variance == 1e-8
    after = run([(0.5, 100.0), (1.5, 101.0), (2.5, 101.0)])
    # ln(1.01)^2 = 9.90090344...e-05
    assert after.variance == pytest.approx(w * 1e-8 + (1 - w) * 9.900903387e-05, rel=1e-9)
    assert after.samples == 1


def test_return_is_divided_by_the_step() -> None:
    params = replace(PARAMS, step_s=0.5)
    state = run([(0.25, 100.0), (0.75, 101.0), (1.25, 101.0)], params)
    w = math.exp(-0.5 / 60)
    assert state.variance == pytest.approx(w * 1e-8 + (1 - w) * 2 * 9.900903387e-05, rel=1e-9)


def test_quiet_seconds_are_zero_returns() -> None:
    every_second = run([(i + 0.5, 100.0) for i in range(11)])
    assert every_second.variance == pytest.approx(1e-8 * math.exp(-9 / 60), rel=1e-12)
    assert every_second.samples == 9


def test_several_grid_points_at_once_equal_one_by_one() -> None:
    sparse = run([(0.5, 100.0), (1.5, 101.0), (3.9, 101.0)])
    dense = run([(0.5, 100.0), (1.5, 101.0), (2.1, 101.0), (2.9, 101.0), (3.5, 101.0), (3.9, 101.0)])
    assert sparse.variance == pytest.approx(dense.variance, rel=1e-12)
    assert sparse.samples == dense.samples == 2


def test_price_on_the_grid_point_counts_for_it() -> None:
    """A price at exactly 2 s is the previous tick of grid point 2 s."""
    on_grid = run([(0.5, 100.0), (2.0, 101.0), (3.5, 101.0)])
    assert on_grid.grid_price == 101.0
    assert on_grid.samples == 2
    assert on_grid.variance > 1e-7


def test_no_return_across_a_gap() -> None:
    state = run([(0.5, 100.0), (1.5, 100.0), (2.5, 100.0)])
    jumped = step(state, 150.0, 60.0, PARAMS)
    assert jumped.variance == state.variance
    assert jumped.samples == state.samples
    steady = run([(60.5, 150.0), (61.5, 150.0), (62.5, 150.0)])
    after = state
    for t_s in (60.0, 60.5, 61.5, 62.5):
        after = step(after, 150.0, t_s, PARAMS)
    assert after.variance < state.variance < 1e-8
    assert after.samples - state.samples == steady.samples + 1


def test_pause_of_exactly_the_gap_still_counts() -> None:
    state = run([(0.5, 100.0), (3.5, 101.0), (4.5, 101.0)])
    assert state.samples == 3
    assert state.variance > 1e-7


def test_late_observation_changes_nothing() -> None:
    state = run([(0.5, 100.0), (2.5, 101.0)])
    assert step(state, 500.0, 2.0, PARAMS) == state


def test_restarted_clock_starts_a_new_chain() -> None:
    state = run([(1000.5, 100.0), (1001.5, 100.0), (1002.5, 100.0)])
    again = step(state, 120.0, 0.5, PARAMS)
    assert again.variance == state.variance
    assert again.last_price == 120.0 and again.grid_price is None


@pytest.mark.parametrize(("price", "t_s"), [(0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_bad_observation_is_refused(price: float, t_s: float) -> None:
    with pytest.raises(ValueError, match="price must be positive"):
        step(initial_state(PARAMS), price, t_s, PARAMS)


def test_bounce_between_bid_and_ask_is_not_volatility() -> None:
    """A random walk of sigma 1e-4 seen with a bounce of 2 bps at 20 ticks/s: the grid stays near the truth, tick-by-tick
    sampling (a grid as fine as the ticks) is several times too high."""
    rng = np.random.default_rng(5)
    per_tick = 1e-4 / math.sqrt(20)
    walk = 100.0 * np.exp(np.cumsum(rng.normal(0.0, per_tick, 60_000)))
    seen = walk * (1.0 + rng.choice([-0.5e-4, 0.5e-4], 60_000))
    times = 0.01 + np.arange(60_000) * 0.05

    def measured(step_s: float) -> float:
        params = replace(PARAMS, step_s=step_s, lookback_s=600.0)
        return volatility(run(list(zip(times.tolist(), seen.tolist(), strict=True)), params), params).raw

    assert measured(1.0) == pytest.approx(1e-4, rel=0.25)
    assert measured(0.05) > 3e-4


def test_regular_walk_is_measured() -> None:
    rng = np.random.default_rng(11)
    prices = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 5e-4, 5_000)))
    state = run([(i + 0.5, price) for i, price in enumerate(prices.tolist())], replace(PARAMS, lookback_s=1000.0))
    assert math.sqrt(state.variance) == pytest.approx(5e-4, rel=0.1)


def test_clamp_keeps_raw() -> None:
    low = volatility(EwmaState(variance=1e-14), PARAMS)
    assert (low.raw, low.effective) == (1e-7, 1e-5)
    high = volatility(EwmaState(variance=1.0), PARAMS)
    assert (high.raw, high.effective) == (1.0, 1e-2)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (0.4e-4, Regime.CALM),
        (0.5e-4, Regime.CALM),
        (1e-4, Regime.NORMAL),
        (2.9e-4, Regime.NORMAL),
        (3.1e-4, Regime.STRESSED),
    ],
)
def test_regimes(raw: float, expected: Regime) -> None:
    assert regime(raw, PARAMS) is expected


def test_warm_after_one_lookback() -> None:
    assert not volatility(run([(i + 0.5, 100.0) for i in range(61)]), PARAMS).warm
    assert volatility(run([(i + 0.5, 100.0) for i in range(62)]), PARAMS).warm


def test_parameters_of_a_market() -> None:
    found = ewma_params(parameters(feed_stale_s="3", sigma_step_s="1", vol_lookback_s="60"))
    assert (found.step_s, found.lookback_s, found.gap_s) == (1.0, 60.0, 3.0)


def test_widening_multiplies() -> None:
    p = parameters(widen_factor="1.5", widen_stressed_factor="2")
    assert total_widening(p, Regime.NORMAL) == 1.5
    assert total_widening(p, Regime.STRESSED) == 3.0
    assert total_widening(p, Regime.STRESSED, reference_widen=3.0, operator=2.0) == 18.0
    assert total_widening(p, Regime.CALM, reference_widen=0.5, operator=0.1) == 1.5  # nothing narrows


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.5, 2.0)), min_size=1, max_size=60),
    st.sampled_from([0.1, 0.5, 1.0, 7.0]),
)
def test_variance_stays_finite_and_not_negative(moves: list[tuple[float, float]], step_s: float) -> None:
    params = replace(PARAMS, step_s=step_s, gap_s=max(3.0, step_s))
    state, t_s = initial_state(params), 0.0
    largest = 1e-8
    for wait, price in moves:
        t_s += wait
        state = step(state, price, t_s, params)
        largest = max(largest, math.log(4.0) ** 2 / step_s)
        assert 0.0 <= state.variance <= largest
        found = volatility(state, params)
        assert params.sigma_min <= found.effective <= params.sigma_max


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=30), st.floats(0.01, 1000.0))
def test_scale_of_the_price_does_not_matter(prices: list[float], factor: float) -> None:
    plain = run([(i + 0.5, price) for i, price in enumerate(prices)])
    scaled = run([(i + 0.5, price * factor) for i, price in enumerate(prices)])
    assert scaled.variance == pytest.approx(plain.variance, rel=1e-6, abs=1e-18)
