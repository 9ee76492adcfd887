"""Rewards by hand: scores, and a budget that is shared out and never passed."""

from __future__ import annotations

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from trading.models.treasury import LEAST_INTERVAL_H, LEAST_INTERVAL_S, MOST_VOLUME_SHARE
from trading.treasury.rules import Quality, score, shared_out


def test_the_numbers_are_those_of_the_specification() -> None:
    assert LEAST_INTERVAL_H == 4 and LEAST_INTERVAL_S == 14_400 and D("0.25") == MOST_VOLUME_SHARE


def test_a_score_is_what_quality_comes_to() -> None:
    # 0.9 × 10,000 × 0.5 = 4,500; less 120.
    assert score(Quality(D("0.9"), D(10_000), D("0.5"), D(120))) == D(4_380)
    assert score(Quality(D("0.333333"), D("0.000001"), D(1), D(0))) == D(0)
    # Who costs others more than the liquidity was worth gets nothing, and owes nothing.
    assert score(Quality(D("0.1"), D(100), D("0.5"), D(6))) == D(0)


def test_a_budget_is_shared_out_by_score_rounded_down() -> None:
    assert shared_out(D(100), {"a": D(1), "b": D(2), "c": D(0)}, D("0.01")) == {"a": D("33.33"), "b": D("66.66")}
    assert shared_out(D(100), {"a": D(0)}, D("0.01")) == {}
    assert shared_out(D(100), {}, D("0.01")) == {}
    assert shared_out(D("0.01"), {"a": D(1), "b": D(1_000_000)}, D("0.01")) == {}


@given(st.decimals(0, 10**9, places=9), st.lists(st.decimals(0, 10**9, places=6), max_size=30))
def test_no_budget_is_passed(budget: D, scores: list[D]) -> None:
    parts = shared_out(budget, {str(n): one for n, one in enumerate(scores)}, D("0.001"))
    assert sum(parts.values(), D(0)) <= budget
