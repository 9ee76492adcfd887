"""Reservation price and spread against hand-computed values, limits, and numba."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.strategy.avellaneda_stoikov import optimal_spread, reservation_price


def test_reservation_price_by_hand() -> None:
    # 100 - 3 * 0.1 * 2^2 * 1 = 98.8
    assert reservation_price(100.0, 3.0, 0.1, 2.0, 1.0) == pytest.approx(98.8, rel=1e-15)
    assert reservation_price(100.0, -3.0, 0.1, 2.0, 1.0) == pytest.approx(101.2, rel=1e-15)
    assert reservation_price(100.0, 0.0, 0.1, 2.0, 1.0) == 100.0


# Constants computed with 30-digit arithmetic, not with the code under test.
@pytest.mark.parametrize(
    ("gamma", "tau", "expected"),
    [
        (0.1, 1.0, 1.69077042275142),
        (0.01, 1.0, 1.36890854373372),
        (1.0, 1.0, 5.02165124753198),
        (1.0, 0.0, 1.02165124753198),
    ],
)
def test_spread_of_the_papers_constants(gamma: float, tau: float, expected: float) -> None:
    assert optimal_spread(gamma, 2.0, tau, 1.5) == pytest.approx(expected, rel=1e-14)


def test_spread_without_risk_aversion_is_exactly_two_over_kappa() -> None:
    assert optimal_spread(0.0, 2.0, 1.0, 1.5) == 2.0 / 1.5
    assert optimal_spread(5e-324, 2.0, 1.0, 1.5) == 2.0 / 1.5


@given(st.floats(1e-18, 1e-6), st.floats(1e-3, 1e6))
def test_small_gamma_keeps_full_precision(ratio: float, kappa: float) -> None:
    """ln(1+x)/x = 1 - x/2 + x^2/3 - ...; the plain logarithm loses every digit below x = 1e-16."""
    x = Fraction(ratio)
    series = 1 - x / 2 + x * x / 3
    expected = float(2 / Fraction(kappa) * series)
    assert math.isclose(optimal_spread(ratio * kappa, 0.0, 1.0, kappa), expected, rel_tol=1e-14)


def test_numba_compiles_both_and_agrees() -> None:
    numba = pytest.importorskip("numba")
    spread, price = numba.njit(optimal_spread), numba.njit(reservation_price)
    for gamma in (0.0, 1e-300, 0.1, 1.0):
        assert spread(gamma, 2.0, 0.5, 1.5) == pytest.approx(optimal_spread(gamma, 2.0, 0.5, 1.5), rel=1e-15)
        assert price(100.0, 2.0, gamma, 2.0, 0.5) == pytest.approx(reservation_price(100.0, 2.0, gamma, 2.0, 0.5))
