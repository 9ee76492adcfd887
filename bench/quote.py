"""Time of one full quote (guardrails, rounding, sizes as Decimal) against the bare formula in Python and in numba."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.parameters.starting_values import STARTING_VALUES
from trading.risk.states import SidePermission
from trading.strategy.avellaneda_stoikov import optimal_spread, reservation_price
from trading.strategy.codec import to_dict
from trading.strategy.parameters import quote_parameters
from trading.strategy.quote import compute_quote
from trading.strategy.quote_types import Balances, MarketRules, QuoteInputs, Reference

ROUNDS = 7
QUOTES = 4_000
FORMULAS = 40_000


def bench_inputs() -> list[QuoteInputs]:
    """A hundred different moments of the DCT market: mid, book and inventory move."""
    start = STARTING_VALUES["dct-usdt-dex"]
    tick = Decimal("0.000001")
    market = MarketRules(tick, Decimal("0.1"), Decimal(start.lot_size), Decimal(1), Decimal("0.1"), 0.5, Decimal(5))
    base = QuoteInputs(
        reference=Reference(0.268, "book", 0.1),
        best_bid=None,
        best_ask=None,
        q_lots=0.0,
        sigma=1.1e-4,
        widen_factor=1.0,
        bid_permission=SidePermission.ALL,
        ask_permission=SidePermission.ALL,
        market=market,
        balances=Balances(Decimal(200_000), Decimal(100_000)),
        parameters=quote_parameters(start.values),
    )
    moments = []
    for index in range(100):
        mid_ticks = 268_000 + 7 * index
        moments.append(
            replace(
                base,
                reference=Reference(mid_ticks * 1e-6, "book", 0.1),
                best_bid=(mid_ticks - 1) * tick,
                best_ask=(mid_ticks + 1) * tick,
                q_lots=(index - 50) / 3.0,
            )
        )
    return moments


def bare(s: float, q: float, gamma: float, sigma: float, tau: float, kappa: float) -> tuple[float, float]:
    """The two formulas and nothing else: bid and ask as floats."""
    r = reservation_price(s, q, gamma, sigma, tau)
    half = optimal_spread(gamma, sigma, tau, kappa) / 2.0
    return r - half, r + half


def median_us(call: Callable[[int], Any], count: int) -> float:
    """Median over rounds of the time of one call, in microseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for index in range(count):
            call(index)
        times.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(times)


def numba_bare() -> Callable[..., tuple[float, float]] | None:
    """The bare formula compiled, or None where numba is not installed."""
    try:
        import numba
    except ImportError:
        return None
    spread, price = numba.njit(optimal_spread), numba.njit(reservation_price)

    @numba.njit
    def compiled(s: float, q: float, gamma: float, sigma: float, tau: float, kappa: float) -> tuple[float, float]:
        r = price(s, q, gamma, sigma, tau)
        half = spread(gamma, sigma, tau, kappa) / 2.0
        return r - half, r + half

    compiled(100.0, 1.0, 0.2, 0.01, 120.0, 50.0)
    return compiled


def row(name: str, value: float, unit: str, peer: str, peer_value: float) -> dict[str, Any]:
    """One result in the shape all benchmarks share."""
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 3),
        "ratio": round(value / peer_value, 2),
    }


def run() -> list[dict[str, Any]]:
    """Rows: a quote against the bare formula in Python, against numba called from Python, and its stored form."""
    moments = bench_inputs()
    compute_quote(moments[0])
    quote_us = median_us(lambda index: compute_quote(moments[index % 100]), QUOTES)
    python_us = median_us(lambda index: bare(0.268, float(index % 7), 75.0, 3e-5, 120.0, 18_000.0), FORMULAS)
    rows = [row("quote", quote_us, "us", "bare formula, Python floats", python_us)]
    compiled = numba_bare()
    if compiled is not None:
        numba_us = median_us(lambda index: compiled(0.268, float(index % 7), 75.0, 3e-5, 120.0, 18_000.0), FORMULAS)
        rows.append(row("quote_vs_numba", quote_us, "us", "bare formula, numba called from Python", numba_us))
    stored_us = median_us(lambda index: json.dumps(to_dict(moments[index % 100])), QUOTES // 4)
    rows.append(row("quote_inputs_to_json", stored_us, "us", "computing the same quote", quote_us))
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
