"""Our simulation reproduces the published table and its population values."""

from __future__ import annotations

import json
import math
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from trading.strategy.paper import PUBLISHED, PaperRow, PaperSetup, average_spread, paper_table, simulate

PATHS = 20_000
# (profit, std of profit, std of final q) of the population, from an independent exact computation of the same set-up.
POPULATION = {
    (0.1, "inventory"): (64.89, 6.54, 2.93),
    (0.1, "symmetric"): (68.23, 13.46, 8.40),
    (0.01, "inventory"): (68.40, 8.96, 5.21),
    (0.01, "symmetric"): (68.67, 13.68, 8.71),
    (1.0, "inventory"): (31.45, 4.84, 1.64),
    (1.0, "symmetric"): (43.87, 10.75, 5.19),
}


@pytest.fixture(scope="module")
def table() -> dict[tuple[float, str], PaperRow]:
    return {(row.gamma, row.strategy): row for row in paper_table(PATHS, 1)}


@pytest.mark.parametrize("key", POPULATION)
def test_means_and_deviations_match_the_population(
    key: tuple[float, str], table: dict[tuple[float, str], PaperRow]
) -> None:
    profit, std_profit, std_q = POPULATION[key]
    row = table[key]
    assert abs(row.profit - profit) < 4 * std_profit / math.sqrt(PATHS)
    assert abs(row.final_q) < 4 * std_q / math.sqrt(PATHS)  # the set-up is symmetric: the true mean is 0
    assert row.std_profit == pytest.approx(std_profit, rel=0.03)
    assert row.std_final_q == pytest.approx(std_q, rel=0.03)


@pytest.mark.parametrize("printed", PUBLISHED, ids=lambda row: f"{row.gamma}-{row.strategy}")
def test_printed_values_are_a_draw_from_our_population(
    printed: PaperRow, table: dict[tuple[float, str], PaperRow]
) -> None:
    """Within 3.1 standard errors of the difference (1,000 paths against ours) plus half the last printed digit."""
    ours = table[(printed.gamma, printed.strategy)]
    error = 3.1 * math.sqrt(1 / 1000 + 1 / PATHS)
    assert round(ours.spread, 2) == printed.spread
    assert abs(printed.profit - ours.profit) < error * ours.std_profit + 0.05
    assert abs(printed.final_q - ours.final_q) < error * ours.std_final_q + 0.005
    assert abs(printed.std_profit - ours.std_profit) < error / math.sqrt(2) * ours.std_profit + 0.05
    assert abs(printed.std_final_q - ours.std_final_q) < error / math.sqrt(2) * ours.std_final_q + 0.05


@pytest.mark.parametrize(("gamma", "expected"), [(0.1, 1.4908), (0.01, 1.3489), (1.0, 3.0217)])
def test_average_spread_in_closed_form(gamma: float, expected: float) -> None:
    assert round(average_spread(gamma, PaperSetup()), 4) == expected


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    assert paper_table(50, 7) == paper_table(50, 7)
    assert paper_table(50, 7) != paper_table(50, 8)


def test_unknown_strategy_is_refused() -> None:
    import numpy as np

    with pytest.raises(ValueError, match="unknown strategy"):
        simulate(0.1, "best_bid", 10, np.random.default_rng(1), PaperSetup())


def test_command_prints_the_agreed_json() -> None:
    out = StringIO()
    call_command("paper_table", "--json", "--paths", "200", "--seed", "3", stdout=out)
    rows = json.loads(out.getvalue())
    assert [(row["gamma"], row["strategy"]) for row in rows] == list(POPULATION)
    expected_keys = {"gamma", "strategy", "spread", "profit", "std_profit", "final_q", "std_final_q", "paths"}
    assert all(set(row) == expected_keys and row["paths"] == 200 for row in rows)


def test_command_prints_a_table_with_the_papers_values() -> None:
    out = StringIO()
    call_command("paper_table", "--paths", "200", stdout=out)
    assert "68.40" in out.getvalue() and "symmetric" in out.getvalue() and "+-" in out.getvalue()


@pytest.mark.parametrize("arguments", [("--paths", "1"), ("--paths", "100000000"), ("--seed", "-1")])
def test_command_refuses_bad_numbers(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("paper_table", *arguments)
