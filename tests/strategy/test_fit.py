"""The fits recover what synthetic records were made with; the shipped records keep the documented figures."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bench.fit_parameters import deepest_distances, fit_intensity, fit_sigma
from bench.fit_record import Print, Step, read_header, read_steps
from bench.fit_simulation import simulate
from trading.parameters.starting_values import STARTING_VALUES

RECORDS = Path(__file__).parents[2] / "trading" / "sandbox" / "records"
FILES = {
    "dct-usdt-dex": "dct_usdt_rescaled_ethusdt_20240808.jsonl.gz",
    "gram-usdt-cex": "gram_usdt_built_ton_swaps_202601.jsonl.gz",
    "eth-usdt-perp": "eth_usdt_perp_converted_ethusd_20240808.jsonl.gz",
}


def test_intensity_is_recovered() -> None:
    """Arrivals at 0.4/s and side with exponential depth of mean 2 bps: A 0.4, kappa 5000."""
    rng = np.random.default_rng(3)
    distances = rng.exponential(1 / 5000, 40_000)
    found = fit_intensity(distances, window_s=50_000.0, low_bps=0.0, high_bps=6.0)
    assert found.kappa == pytest.approx(5000, rel=0.03)
    assert found.a_per_s == pytest.approx(0.4, rel=0.03)
    assert found.r_squared > 0.999 and found.arrivals == 40_000


def test_too_few_arrivals_are_no_fit() -> None:
    with pytest.raises(ValueError, match="too few arrivals"):
        fit_intensity(np.array([1e-4, 2e-4]), 100.0, 0.0, 6.0)


def test_sigma_is_recovered() -> None:
    rng = np.random.default_rng(4)
    mids = 2.0 * np.exp(np.cumsum(rng.normal(0.0, 3e-4, 6_000)))
    steps = [Step(float(i), mid, mid, (), mid, mid) for i, mid in enumerate(mids.tolist())]
    found = fit_sigma(steps)
    assert found.rms_1s == pytest.approx(3e-4, rel=0.05)
    assert found.rms_10s == pytest.approx(3e-4, rel=0.1)
    assert found.ewma_median == pytest.approx(3e-4, rel=0.1)


def test_deepest_print_per_step_and_side() -> None:
    prints = (Print(True, 100.02, 1.0), Print(True, 100.01, 5.0), Print(False, 99.97, 1.0), Print(False, 100.5, 1.0))
    step = Step(0.0, 99.99, 100.01, prints, 100.0, 100.0)
    assert deepest_distances([step]) == pytest.approx([2e-4, 3e-4])


def test_record_is_read_in_steps(tmp_path: Path) -> None:
    header = {"format": "dcmm-record", "version": 1, "symbol": "A/B", "tick": "0.5", "lot": "0.1", "source": "test"}
    events = [
        ["s", 0, [[198, 10], [196, 5]], [[202, 10]]],
        ["t", 400_000, "b", 202, 3],
        ["d", 1_200_000, [[198, 0]], [[201, 4]]],
        ["b", 2_500_000, 200, 1, 204, 1],
        ["t", 3_100_000, "s", 200, 1],
    ]
    path = tmp_path / "record.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in [header, *events])
    steps = list(read_steps(path, 1.0))
    assert [(s.t_s, s.bid, s.ask) for s in steps] == [(0.0, 99.0, 101.0), (1.0, 99.0, 101.0), (2.0, 98.0, 100.5)]
    assert steps[0].prints == (Print(True, 101.0, pytest.approx(0.3)),)
    assert (steps[1].lowest_ask, steps[2].highest_bid) == (100.5, 100.0)
    assert read_header(path).tick == Decimal("0.5")


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.gz"
    with gzip.open(path, "wt") as file:
        file.write("[]\n")
    with pytest.raises(ValueError, match="not a market record"):
        read_header(path)


@pytest.mark.parametrize(
    ("slug", "fewest", "spread"),
    [("dct-usdt-dex", 5, (5.0, 7.0)), ("gram-usdt-cex", 5, (8.0, 20.0)), ("eth-usdt-perp", 5, (5.0, 7.0))],
)
def test_starting_sets_trade_on_their_records(slug: str, fewest: int, spread: tuple[float, float]) -> None:
    """Every five minutes of the record fill the set at least a few times, at a sane spread, inside the limits."""
    start, path = STARTING_VALUES[slug], RECORDS / FILES[slug]
    deposits = (Decimal(start.deposit_base), Decimal(start.deposit_quote))
    contract_value, fee = Decimal(start.contract_value), float(start.maker_fee_bps)
    steps, header = list(read_steps(path, 1.0, contract_value)), read_header(path, contract_value)
    margin = Decimal(start.initial_margin)
    outcome = simulate(steps, header, start.values, Decimal(start.lot_size), fee, deposits, margin)
    assert outcome.fewest_fills_300s >= fewest
    assert spread[0] <= outcome.median_spread_bps <= spread[1]
    assert outcome.largest_q_lots < 8.0


def test_sizes_of_a_record_in_contracts_become_base_units() -> None:
    """The first print of the perpetual's record: a lot is 0.01 contracts of 0.1 ETH, hence a thousandth ETH."""
    path = RECORDS / FILES["eth-usdt-perp"]
    with gzip.open(path, "rt") as lines:
        first = next(event for event in map(json.loads, list(lines)[1:]) if event[0] == "t")
    steps = read_steps(path, 1.0, Decimal("0.1"))
    found = next(one for step in steps for one in step.prints)
    assert found.size == pytest.approx(first[4] / 1000)
    assert read_header(path, Decimal("0.1")).lot_step == Decimal("0.001")
