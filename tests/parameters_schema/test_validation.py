"""Refusals: types, bounds, rules across parameters, wrong scale; each with a code and the unit in its message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.parameters.schema import BY_NAME, DEFAULTS, ParameterGroup, ParameterKind, ParameterSpec, RiskDirection
from trading.parameters.validation import ErrorCode, MarketScale, ParameterError, parse_value, validate


def errors_of(**changes: Any) -> list[tuple[str, str]]:
    return [(error.code.value, error.parameter) for error in validate({**DEFAULTS, **changes})]


@pytest.mark.parametrize("raw", ["", "abc", "NaN", "Infinity", "-inf", "1e", "0x10", "1,5", True, None, "१२x"])
def test_not_a_number(raw: Any) -> None:
    assert errors_of(gamma=raw) == [("not_a_number", "gamma")]


def test_missing_and_unknown() -> None:
    values = {**DEFAULTS, "gama": "20"}
    del values["gamma"]
    found = {(error.code, error.parameter) for error in validate(values)}
    assert found == {(ErrorCode.UNKNOWN, "gama"), (ErrorCode.MISSING, "gamma")}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_bounds_are_inclusive_and_hard(name: str) -> None:
    spec = BY_NAME[name]
    assert parse_value(spec, str(spec.minimum)) == spec.minimum
    assert parse_value(spec, str(spec.maximum)) == spec.maximum
    for outside in (spec.minimum - 1, spec.maximum + 1):
        error = parse_value(spec, str(outside))
        assert isinstance(error, ParameterError) and error.code is ErrorCode.OUT_OF_BOUNDS
        assert spec.unit in error.message and str(spec.maximum) in error.message


def test_places_and_whole_numbers() -> None:
    assert errors_of(beta="0.12345") == [("too_many_places", "beta")]
    assert errors_of(beta="0.12340") == []
    assert errors_of(ref_rank_trade="1.5") == [("not_an_integer", "ref_rank_trade")]
    assert errors_of(ref_rank_trade="1.0") == []


def test_flags() -> None:
    low, high = BY_NAME["beta"].minimum, BY_NAME["beta"].maximum
    flag = ParameterSpec(
        "flag", "Flag", ParameterGroup.CYCLE, "-", ParameterKind.BOOL, low, low, high,
        RiskDirection.UP_IS_RISKIER, "A flag.",
    )  # fmt: skip
    assert parse_value(flag, "true") is True and parse_value(flag, False) is False
    error = parse_value(flag, "maybe")
    assert isinstance(error, ParameterError) and error.code is ErrorCode.NOT_A_FLAG


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"spread_cap_bps": "10", "spread_floor_bps": "11"}, ("cap_below_floor", "spread_cap_bps")),
        ({"spread_cap_bps": "10", "fee_cushion_bps": "11"}, ("cap_below_floor", "spread_cap_bps")),
        ({"q_soft_lots": "18"}, ("limits_out_of_order", "soft_limit_lots")),
        ({"soft_limit_lots": "20.5"}, ("limits_out_of_order", "soft_limit_lots")),
        ({"order_size_lots": "12"}, ("size_passes_hard_limit", "order_size_lots")),
        ({"sigma_min": "0.0002"}, ("sigma_out_of_order", "sigma_prior")),
        ({"sigma_max": "0.00005"}, ("sigma_out_of_order", "sigma_prior")),
        ({"vol_lookback_s": "5", "sigma_step_s": "10"}, ("lookback_shorter_than_step", "vol_lookback_s")),
        ({"refresh_interval_s": "31"}, ("stale_before_next_cycle", "refresh_interval_s")),
        ({"refresh_tolerance_bps": "2.6"}, ("tolerance_too_wide", "refresh_tolerance_bps")),
        ({"ref_rank_pool": "1"}, ("same_rank", "ref_rank_trade")),
    ],
)
def test_rules_across_parameters(changes: dict[str, str], expected: tuple[str, str]) -> None:
    assert expected in errors_of(**changes)


def test_ranks_of_zero_may_repeat() -> None:
    assert errors_of(ref_rank_trade="0") == []


def test_fee_and_tick_of_the_market_count() -> None:
    values = {**DEFAULTS, "spread_cap_bps": "20"}
    assert validate(values, MarketScale(maker_fee_bps=9.5, tick_bps=10.0)) == ()
    assert [e.code for e in validate(values, MarketScale(9.6, 1.0))] == [ErrorCode.CAP_BELOW_FLOOR]
    assert [e.code for e in validate(values, MarketScale(1.0, 10.1))] == [ErrorCode.CAP_BELOW_FLOOR]


@pytest.mark.parametrize(
    ("changes", "code", "parameter"),
    [
        # gamma 0.1, kappa 1.5 are the paper's, in price units: kappa is under its bound already; 15 is just legal
        ({"gamma": "0.1", "kappa": "15"}, "kappa_too_small", "kappa"),
        # kappa of the ETH record in 1/USDT instead of 1/price fraction
        ({"kappa": "100"}, "kappa_too_small", "kappa"),
        # kappa per bp times price, once too often
        ({"kappa": "1000000"}, "kappa_too_large", "kappa"),
        # gamma so large that one lot uses up the whole shift
        ({"gamma": "100000"}, "gamma_too_large", "gamma"),
        # gamma in price units of a 0.27 USDT token, and nothing else that skews
        ({"gamma": "0.0001", "beta": "0"}, "gamma_too_small", "gamma"),
    ],
)
def test_wrong_scale_is_refused_with_the_reason(changes: dict[str, str], code: str, parameter: str) -> None:
    errors = validate({**DEFAULTS, **changes})
    assert (code, parameter) in [(error.code.value, error.parameter) for error in errors]
    message = next(error.message for error in errors if error.code.value == code)
    assert "1/" in message and "bps" in message


def test_papers_own_numbers_are_refused() -> None:
    assert errors_of(gamma="0.1", kappa="1.5") == [("out_of_bounds", "kappa")]


def test_implied_spread_is_told() -> None:
    """2/kappa = 2/100 = 200 bps (gamma 0) against a cap of 60."""
    (error,) = validate({**DEFAULTS, "kappa": "100", "gamma": "0"})
    assert dict(error.data)["implied"] == "200" and dict(error.data)["cap"] == "60.0"


@given(
    st.dictionaries(
        st.sampled_from(sorted(BY_NAME)),
        st.text("0123456789.,eE-+_ naINF", max_size=12) | st.floats() | st.integers() | st.booleans(),
    )
)
def test_never_raises(changes: dict[str, Any]) -> None:
    for error in validate({**DEFAULTS, **changes}):
        assert error.message and error.parameter
