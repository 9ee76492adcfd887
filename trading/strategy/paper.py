"""The simulation of Avellaneda and Stoikov (2008), section 3.3, and the table they printed.

Set-up of the paper: s = 100, T = 1, sigma = 2, dt = 0.005, q = 0, k = 1.5, A = 140; the mid moves by
+-sigma sqrt(dt) with equal chance. Within a step each side fills independently with probability
min(lambda dt, 1), lambda = A exp(-k distance), before the mid moves. The "symmetric" strategy quotes the
inventory strategy's average spread around the mid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading.strategy.avellaneda_stoikov import optimal_spread

FloatArray = NDArray[np.float64]

INVENTORY: Final = "inventory"
SYMMETRIC: Final = "symmetric"


@dataclass(frozen=True, slots=True)
class PaperSetup:
    """The paper's constants; prices in its money unit, time in its unit T = 1."""

    s0: float = 100.0
    horizon: float = 1.0
    sigma: float = 2.0
    dt: float = 0.005
    kappa: float = 1.5
    intensity: float = 140.0

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return round(self.horizon / self.dt)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One line of the table; `spread` is the time average of the full spread."""

    gamma: float
    strategy: str
    spread: float
    profit: float
    std_profit: float
    final_q: float
    std_final_q: float
    paths: int

    @property
    def se_profit(self) -> float:
        """Standard error of the mean profit."""
        return self.std_profit / math.sqrt(self.paths)

    @property
    def se_final_q(self) -> float:
        """Standard error of the mean final inventory."""
        return self.std_final_q / math.sqrt(self.paths)


# What the paper prints for 1,000 simulations each (tables 1 to 3).
PUBLISHED: Final[tuple[PaperRow, ...]] = (
    PaperRow(0.1, INVENTORY, 1.49, 65.0, 6.6, 0.08, 2.9, 1000),
    PaperRow(0.1, SYMMETRIC, 1.49, 68.4, 12.7, 0.26, 8.4, 1000),
    PaperRow(0.01, INVENTORY, 1.35, 68.6, 8.7, 0.12, 5.1, 1000),
    PaperRow(0.01, SYMMETRIC, 1.35, 68.8, 12.8, 0.09, 8.7, 1000),
    PaperRow(1.0, INVENTORY, 3.02, 31.4, 5.0, 0.02, 1.7, 1000),
    PaperRow(1.0, SYMMETRIC, 3.02, 44.0, 11.0, 0.0, 5.1, 1000),
)


def average_spread(gamma: float, setup: PaperSetup) -> float:
    """Time average of the optimal spread over [0, T]: the spread at half the horizon, since it is linear."""
    return optimal_spread(gamma, setup.sigma, setup.horizon / 2.0, setup.kappa)


def paper_table(paths: int, seed: int, setup: PaperSetup | None = None) -> tuple[PaperRow, ...]:
    """Our table in the order of `PUBLISHED`; the same `paths` and `seed` give the same rows.

    Raises:
        ValueError: fewer than two paths, or a negative seed.
    """
    if paths < 2:
        raise ValueError("at least 2 paths are needed for a standard deviation")
    if seed < 0:
        raise ValueError("the seed must not be negative")
    chosen = setup or PaperSetup()
    return tuple(
        simulate(row.gamma, row.strategy, paths, np.random.default_rng([seed, index]), chosen)
        for index, row in enumerate(PUBLISHED)
    )


def simulate(gamma: float, strategy: str, paths: int, rng: np.random.Generator, setup: PaperSetup) -> PaperRow:
    """One strategy over `paths` independent paths.

    Raises:
        ValueError: `strategy` is neither "inventory" nor "symmetric".
    """
    if strategy not in (INVENTORY, SYMMETRIC):
        raise ValueError(f"unknown strategy {strategy!r}")
    mid = np.full(paths, setup.s0)
    q = np.zeros(paths)
    cash = np.zeros(paths)
    move = setup.sigma * math.sqrt(setup.dt)
    for step in range(setup.steps):
        tau = setup.horizon - step * setup.dt
        if strategy == INVENTORY:
            skew = q * (-gamma * setup.sigma * setup.sigma * tau)
            half = optimal_spread(gamma, setup.sigma, tau, setup.kappa) / 2.0
        else:
            skew = np.zeros(paths)
            half = average_spread(gamma, setup) / 2.0
        bid_distance, ask_distance = half - skew, half + skew
        bought = rng.random(paths) < _fill_probability(bid_distance, setup)
        sold = rng.random(paths) < _fill_probability(ask_distance, setup)
        cash += sold * (mid + ask_distance) - bought * (mid - bid_distance)
        q += bought.astype(np.float64) - sold
        mid += np.where(rng.random(paths) < 0.5, move, -move)
    profit = cash + q * mid
    return PaperRow(
        gamma=gamma,
        strategy=strategy,
        spread=average_spread(gamma, setup),
        profit=float(profit.mean()),
        std_profit=float(profit.std(ddof=1)),
        final_q=float(q.mean()),
        std_final_q=float(q.std(ddof=1)),
        paths=paths,
    )


def _fill_probability(distance: FloatArray, setup: PaperSetup) -> FloatArray:
    """min(lambda dt, 1), literally: 1 - exp(-lambda dt) is another model and misses the table by 10 %."""
    return np.minimum(setup.intensity * setup.dt * np.exp(-setup.kappa * distance), 1.0)
