"""Reservation price and optimal spread of Avellaneda and Stoikov.

M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3),
217-224, 2008: the reservation price r(s, q, t), and the sum of both quoting distances for exponential
intensity A exp(-kappa d). Where the paper writes T - t we write `tau`.

Plain float arithmetic over `math`, so that numba compiles both functions unchanged.
"""

from __future__ import annotations

import math


def reservation_price(s: float, q: float, gamma: float, sigma: float, tau: float) -> float:
    """Price at which the maker is indifferent to one lot more or less.

    Args:
        s: mid price.
        q: inventory in lots from target.
        gamma: risk aversion, 1/(price x lot).
        sigma: volatility, price per square root of second.
        tau: time horizon, s.

    Returns:
        `s - q gamma sigma^2 tau`, in price units.
    """
    return s - q * gamma * sigma * sigma * tau


def optimal_spread(gamma: float, sigma: float, tau: float, kappa: float) -> float:
    """Full spread, symmetric around the reservation price.

    Args:
        gamma: risk aversion, 1/(price x lot); 0 gives the limit `2 / kappa`.
        sigma: volatility, price per square root of second.
        tau: time horizon, s.
        kappa: decay of the fill intensity, 1/price, > 0.

    Returns:
        `gamma sigma^2 tau + (2 / gamma) ln(1 + gamma / kappa)`, in price units.
    """
    x = gamma / kappa
    # x = 0 covers gamma so small that the ratio underflows; log1p keeps full precision everywhere else.
    intensity_term = 2.0 / kappa if x == 0.0 else 2.0 / kappa * (math.log1p(x) / x)
    return gamma * sigma * sigma * tau + intensity_term
