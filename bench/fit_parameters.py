"""Estimates sigma and the fill intensity of a market record and suggests starting parameters.

    python -m bench.fit_parameters RECORD.jsonl.gz [--market dct-usdt-dex] [--step-s 1.0]

Intensity: in each step the deepest print beyond the mid at the step's start is taken per side; lambda(d) is the rate,
per side, of steps that reach at least d; ln lambda is fitted on d by least squares over the range where quotes live.
Distances are relative to the mid, so kappa comes out in 1/price fraction, the unit of the parameter.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from bench.fit_record import Step, read_header, read_steps
from bench.fit_simulation import simulate
from trading.parameters.starting_values import STARTING_VALUES
from trading.strategy.volatility import EwmaParams, initial_state, step, volatility

BPS = 1e4


@dataclass(frozen=True, slots=True)
class SigmaFit:
    """Volatility, relative per square root of second: over the whole window on two grids, and of the EWMA."""

    rms_1s: float
    rms_10s: float
    ewma_median: float
    ewma_p95: float
    ewma_last: float
    window_s: float
    returns: int


@dataclass(frozen=True, slots=True)
class IntensityFit:
    """lambda(d) = A exp(-kappa d) per side: A in 1/s, kappa in 1/price fraction, range in bps of price."""

    a_per_s: float
    kappa: float
    r_squared: float
    low_bps: float
    high_bps: float
    points: int
    arrivals: int
    window_s: float
    unit: str = "1/price fraction"


def fit_sigma(steps: Sequence[Step], lookback_s: float = 60.0) -> SigmaFit:
    """Volatility of the mid; `steps` on a 1 s grid."""
    mids = np.array([s.mid for s in steps])
    one, ten = np.diff(np.log(mids)), np.diff(np.log(mids[::10]))
    rms_1s = float(np.sqrt(np.mean(one**2)))
    params = EwmaParams(1.0, lookback_s, 3.0, 0.0, 1.0, rms_1s)
    state = initial_state(params)
    sigmas = []
    for current in steps:
        state = step(state, current.mid, current.t_s, params)
        sigmas.append(volatility(state, params).raw)
    return SigmaFit(
        rms_1s=rms_1s,
        rms_10s=float(np.sqrt(np.mean(ten**2) / 10.0)),
        ewma_median=float(np.median(sigmas)),
        ewma_p95=float(np.percentile(sigmas, 95)),
        ewma_last=sigmas[-1],
        window_s=steps[-1].t_s - steps[0].t_s,
        returns=len(one),
    )


def deepest_distances(steps: Sequence[Step]) -> np.ndarray:
    """Deepest relative distance from the step's first mid that a print reached, one per step and side with prints."""
    found = []
    for current in steps:
        for taker_buys in (True, False):
            sign = 1.0 if taker_buys else -1.0
            reached = [sign * (p.price / current.mid - 1.0) for p in current.prints if p.taker_buys is taker_buys]
            if reached and max(reached) > 0.0:
                found.append(max(reached))
    return np.array(found)


def fit_intensity(
    distances: np.ndarray, window_s: float, low_bps: float, high_bps: float, points: int = 40
) -> IntensityFit:
    """Least squares of ln lambda on d over [low_bps, high_bps]; rates under three arrivals are left out.

    Raises:
        ValueError: fewer than three usable points in the range.
    """
    grid = np.linspace(low_bps, high_bps, points) / BPS
    counts = np.array([(distances >= d).sum() for d in grid])
    usable = counts >= 3
    if usable.sum() < 3:
        raise ValueError(f"too few arrivals between {low_bps} and {high_bps} bps to fit an intensity")
    x, y = grid[usable], np.log(counts[usable] / (2.0 * window_s))
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - (slope * x + intercept)
    spread = float(np.sum((y - y.mean()) ** 2))
    return IntensityFit(
        a_per_s=float(np.exp(intercept)),
        kappa=float(-slope),
        r_squared=1.0 - float(np.sum(residual**2)) / spread if spread > 0.0 else 1.0,
        low_bps=low_bps,
        high_bps=high_bps,
        points=int(usable.sum()),
        arrivals=int(counts[0]),
        window_s=window_s,
    )


def fit(path: Path, ranges_bps: Sequence[tuple[float, float]], contract_value: Decimal) -> dict[str, object]:
    """All estimates of a record as plain values."""
    steps = list(read_steps(path, 1.0, contract_value))
    header = read_header(path)
    sigma = fit_sigma(steps)
    distances = deepest_distances(steps)
    widths = [(s.ask - s.bid) / s.mid * BPS for s in steps]
    intensities = []
    for low, high in ranges_bps:
        try:
            intensities.append(asdict(fit_intensity(distances, sigma.window_s, low, high)))
        except ValueError as error:
            intensities.append({"low_bps": low, "high_bps": high, "error": str(error)})
    sizes = [p.size for s in steps for p in s.prints]
    return {
        "record": path.name,
        "symbol": header.symbol,
        "source": header.source,
        "mid_first": steps[0].mid,
        "median_width_bps": float(np.median(widths)),
        "trades": len(sizes),
        "median_trade_base": float(np.median(sizes)),
        "sigma": asdict(sigma),
        "intensity": intensities,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path, help="market record (.jsonl.gz)")
    parser.add_argument("--market", choices=sorted(STARTING_VALUES), help="also simulate this market's starting set")
    parser.add_argument("--ranges", default="0-3,0-6,0-12,2-10", help="fit ranges in bps, low-high, comma separated")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="override for the simulation")
    options = parser.parse_args()
    ranges = [tuple(float(end) for end in part.split("-")) for part in options.ranges.split(",")]
    start = STARTING_VALUES.get(options.market)
    contract_value = Decimal(start.contract_value) if start else Decimal(1)
    found = fit(options.record, [(low, high) for low, high in ranges], contract_value)
    if start:
        values = {**start.values, **dict(pair.split("=", 1) for pair in options.set)}
        steps = list(read_steps(options.record, 1.0, contract_value))
        header = read_header(options.record, contract_value)
        deposits = (Decimal(start.deposit_base), Decimal(start.deposit_quote))
        outcome = simulate(
            steps,
            header,
            values,
            Decimal(start.lot_size),
            float(start.maker_fee_bps),
            deposits,
            margin=Decimal(start.initial_margin),
        )
        found["simulation"] = asdict(outcome)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
