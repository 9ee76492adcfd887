"""The quote: hand-computed guardrails, then properties for any parameters in bounds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal, getcontext, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategy.builders import inputs, market, parameters
from trading.parameters.schema import SCHEMA, ParameterKind
from trading.risk.side import Side, adds_exposure
from trading.risk.states import SidePermission
from trading.strategy.codec import CodecError, from_dict, to_dict
from trading.strategy.parameters import QuoteParameters, quote_parameters
from trading.strategy.quote import compute_quote
from trading.strategy.quote_types import Balances, QuoteInputs, QuoteReason, QuoteResult, Reference, SpreadBound
from trading.strategy.rounding import inventory_lots, round_to_tick

D = Decimal


def test_plain_quote_by_hand() -> None:
    """kappa 2000, gamma 0: spread 2/2000 = 10 bps of 100 = 0.10, nothing else binds."""
    result = compute_quote(inputs(parameters=parameters(kappa="2000", gamma="0", beta="0")))
    assert result.r == 100.0
    assert result.delta_raw == pytest.approx(0.1, rel=1e-12)
    assert result.spread_bound is SpreadBound.FORMULA
    assert (result.k, result.shift) == (0.0, 0.0)
    assert (result.bid.price, result.ask.price) == (D("99.95"), D("100.05"))
    assert (result.bid.size, result.ask.size) == (D("1.000"), D("1.000"))
    assert result.bid.reason is None and result.ask.reason is None


def test_relative_parameters_become_price_units() -> None:
    """q 5 lots, gamma 20, sigma 1e-4, T 120: r = s (1 - 5 * 20 * 1e-8 * 120) = s (1 - 1.2e-4)."""
    for s in (0.268, 100.0, 60_000.0):
        tick = D("0.000001")
        result = compute_quote(
            inputs(
                reference=Reference(s, "book", 0.0),
                best_bid=None,
                best_ask=None,
                q_lots=5.0,
                market=market(tick=tick),
                parameters=parameters(kappa="2000", beta="0", horizon_s="120"),
            )
        )
        assert result.r == pytest.approx(s * (1 - 1.2e-4), rel=1e-12)
        # gamma sigma^2 T + 2/gamma ln(1 + gamma/kappa) = 2.4e-5 + 0.1 * ln(1.01) = 2.4e-5 + 9.9503309e-4
        assert result.delta_raw == pytest.approx(s * (2.4e-5 + 9.950330853e-4), rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "rules", "bound", "spread_bps"),
    [
        ({"spread_floor_bps": "30"}, {}, SpreadBound.SPREAD_FLOOR, 30.0),
        ({"fee_cushion_bps": "4"}, {"maker_fee_bps": 10.0}, SpreadBound.FEE_FLOOR, 24.0),
        ({}, {"tick": D("0.10")}, SpreadBound.TICK_FLOOR, 20.0),
        ({"kappa": "100"}, {}, SpreadBound.CAP, 60.0),
    ],
)
def test_floors_and_cap(changes: dict[str, str], rules: dict[str, Any], bound: SpreadBound, spread_bps: float) -> None:
    base = {"kappa": "2000", "gamma": "0", "beta": "0", **changes}
    result = compute_quote(inputs(parameters=parameters(**base), market=market(**rules)))
    assert result.spread_bound is bound
    assert result.delta == pytest.approx(100.0 * spread_bps / 1e4, rel=1e-12)


def test_widening_comes_after_the_cap() -> None:
    p = parameters(kappa="100", gamma="0", beta="0", spread_cap_bps="50")
    result = compute_quote(inputs(widen_factor=4.0, parameters=p))
    assert result.delta == pytest.approx(2.0, rel=1e-12)  # 4 x 50 bps of 100
    assert (result.bid.price, result.ask.price) == (D(99), D(101))


def test_widening_below_one_never_narrows() -> None:
    narrow = compute_quote(inputs(widen_factor=0.2))
    assert narrow.delta == compute_quote(inputs()).delta


def test_skew_by_hand() -> None:
    """beta 0.5, q half of q_soft: k = 0.5 * 0.5 * 0.05 = 0.0125, both quotes move down by it."""
    p = parameters(kappa="2000", gamma="0", beta="0.5", q_soft_lots="8")
    result = compute_quote(inputs(q_lots=4.0, parameters=p, market=market(tick=D("0.0001"))))
    assert result.k == pytest.approx(0.0125, rel=1e-12)
    assert result.shift == pytest.approx(-0.0125, rel=1e-12)
    assert (result.bid.price, result.ask.price) == (D("99.9375"), D("100.0375"))


def test_shift_is_bounded_at_nine_tenths_of_the_half_spread() -> None:
    p = parameters(kappa="2000", gamma="5000", beta="1", spread_cap_bps="10", spread_floor_bps="10")
    result = compute_quote(inputs(q_lots=15.0, parameters=p, market=market(tick=D("0.0001"))))
    assert result.shift_raw is not None and result.shift_raw < -0.05
    assert result.shift == pytest.approx(-0.045, rel=1e-12)
    assert result.ask.price is not None and result.ask.price >= D("100.0050")


@pytest.mark.parametrize(
    ("price", "side", "expected"),
    [
        (100.019999, Side.BUY, "100.01"),
        (100.010001, Side.SELL, "100.02"),
        (100.25, Side.BUY, "100.25"),
        (100.25, Side.SELL, "100.25"),
        (0.1 + 0.2, Side.BUY, "0.30"),
        (0.1 + 0.2, Side.SELL, "0.31"),
    ],
)
def test_round_to_tick(price: float, side: Side, expected: str) -> None:
    assert round_to_tick(price, D("0.01"), side) == D(expected)


def test_never_crosses_or_locks_the_opposite_best() -> None:
    p = parameters(kappa="2000", gamma="0", beta="0")
    below = compute_quote(inputs(best_bid=D("99.90"), best_ask=D("99.95"), parameters=p))
    assert below.bid.price == D("99.94")
    above = compute_quote(inputs(best_bid=D("100.05"), best_ask=D("100.10"), parameters=p))
    assert above.ask.price == D("100.06")


def test_opposite_best_off_our_tick_is_not_crossed() -> None:
    p = parameters(kappa="2000", gamma="0", beta="0")
    result = compute_quote(inputs(best_bid=D("100.056"), best_ask=D("99.944"), parameters=p))
    assert (result.bid.price, result.ask.price) == (D("99.93"), D("100.07"))


def test_price_band() -> None:
    p = parameters(kappa="2000", gamma="0", beta="0")
    low = compute_quote(inputs(parameters=p, market=market(price_low=D("99.96"), price_high=D("100.04"))))
    assert low.bid.reason is low.ask.reason is QuoteReason.OUTSIDE_PRICE_BAND
    assert low.bid.price is None and low.bid.size == 0
    exact = compute_quote(inputs(parameters=p, market=market(price_low=D("99.95"), price_high=D("100.05"))))
    assert exact.bid.reason is exact.ask.reason is None


def test_bid_below_zero_is_not_quoted() -> None:
    p = parameters(spread_floor_bps="2000", spread_cap_bps="5000", gamma="0", beta="0")
    result = compute_quote(inputs(widen_factor=20.0, parameters=p))
    assert result.bid.reason is QuoteReason.NO_POSITIVE_PRICE
    assert result.ask.reason is None


@pytest.mark.parametrize(
    "change",
    [
        {"reference": Reference(math.nan, "book", 0.0)},
        {"reference": Reference(0.0, "book", 0.0)},
        {"reference": Reference(math.inf, "book", 0.0)},
        {"sigma": math.nan},
        {"sigma": -1.0},
        {"sigma": 1e300},
        {"q_lots": math.nan},
        {"q_lots": math.inf},
        {"widen_factor": math.inf},
        {"market": market(tick=D(0))},
        {"parameters": replace(parameters(), kappa=0.0)},
        {"parameters": replace(parameters(), beta=1.5)},
        {"parameters": replace(parameters(), gamma=math.nan)},
    ],
)
def test_unusable_input_quotes_nothing(change: dict[str, Any]) -> None:
    result = compute_quote(inputs(**change))
    assert result.bid.reason is result.ask.reason is QuoteReason.INVALID_INPUT
    assert result.bid.price is None and result.ask.price is None


def test_permissions_per_side() -> None:
    result = compute_quote(inputs(bid_permission=SidePermission.NONE))
    assert result.bid.reason is QuoteReason.STATE_FORBIDS and result.ask.reason is None
    reducing = {"bid_permission": SidePermission.REDUCE_ONLY, "ask_permission": SidePermission.REDUCE_ONLY}
    long = compute_quote(inputs(q_lots=3.0, **reducing))
    assert long.bid.reason is QuoteReason.ONLY_REDUCING and long.ask.size == 1
    short = compute_quote(inputs(q_lots=-3.0, **reducing))
    assert short.ask.reason is QuoteReason.ONLY_REDUCING and short.bid.size == 1
    flat = compute_quote(inputs(**reducing))
    assert flat.bid.reason is flat.ask.reason is QuoteReason.ONLY_REDUCING


def test_reducing_never_turns_the_position_over() -> None:
    result = compute_quote(inputs(q_lots=0.4567, ask_permission=SidePermission.REDUCE_ONLY))
    assert result.ask.size == D("0.456")


def test_same_result_in_any_decimal_context() -> None:
    plain = compute_quote(inputs(q_lots=2.345))
    with localcontext() as context:
        context.prec = 3
        assert compute_quote(inputs(q_lots=2.345)) == plain
    assert getcontext().prec == 28


def test_inventory_in_lots() -> None:
    assert inventory_lots(D(205_500), D(200), D(1000)) == 5.5
    assert inventory_lots(D("-0.5"), D(0), D("0.1")) == -5.0


def test_json_round_trip_is_exact() -> None:
    given_inputs = inputs(q_lots=0.1 + 0.2, sigma=1e-4 / 3, best_bid=None)
    stored = json.loads(json.dumps(to_dict(given_inputs)))
    again = from_dict(QuoteInputs, stored)
    assert again == given_inputs
    result = compute_quote(given_inputs)
    assert from_dict(QuoteResult, json.loads(json.dumps(to_dict(result)))) == result == compute_quote(again)
    assert to_dict(given_inputs)["best_ask"] == "100.01"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("best_ask", 100.01, "QuoteInputs.best_ask"),  # money is never read from a float
        ("q_lots", "many", "QuoteInputs.q_lots"),
        ("bid_permission", "sometimes", "QuoteInputs.bid_permission"),
        ("surprise", 1, "unknown field surprise"),
        ("market", [], "MarketRules"),
    ],
)
def test_stored_values_that_do_not_fit_are_named(path: str, value: Any, message: str) -> None:
    stored = to_dict(inputs())
    stored[path] = value
    with pytest.raises(CodecError, match=message):
        from_dict(QuoteInputs, stored)


def test_missing_field_is_refused() -> None:
    stored = to_dict(inputs())
    del stored["sigma"]
    with pytest.raises(CodecError, match="sigma"):
        from_dict(QuoteInputs, stored)


# ---- for any parameters in bounds


def _values() -> st.SearchStrategy[QuoteParameters]:
    """Any set within the schema's bounds, cross rules not assumed."""

    def one(spec: Any) -> st.SearchStrategy[str]:
        if spec.kind is ParameterKind.INT:
            return st.integers(int(spec.minimum), int(spec.maximum)).map(str)
        places = spec.decimal_places
        return st.decimals(spec.minimum, spec.maximum, places=places, allow_nan=False).map(str)

    return st.fixed_dictionaries({spec.name: one(spec) for spec in SCHEMA}).map(quote_parameters)


@st.composite
def any_inputs(draw: st.DrawFn) -> QuoteInputs:
    tick = draw(st.sampled_from([D("0.000001"), D("0.0001"), D("0.01"), D("0.5")]))
    s = draw(st.floats(float(tick) * 3, 1e5))
    lot_step = draw(st.sampled_from([D("0.001"), D("0.1"), D(1)]))
    best = st.none() | st.floats(0.5, 1.5).map(lambda f: max(tick, (D(s * f) // tick) * tick))
    return QuoteInputs(
        reference=Reference(s, "book", 0.0),
        best_bid=draw(best),
        best_ask=draw(best),
        q_lots=draw(st.floats(-1e6, 1e6) | st.floats(-30, 30)),
        sigma=draw(st.floats(0.0, 1.0) | st.floats(1e-6, 1e-3)),
        widen_factor=draw(st.floats(1.0, 400.0)),
        bid_permission=draw(st.sampled_from(SidePermission)),
        ask_permission=draw(st.sampled_from(SidePermission)),
        market=market(tick=tick, lot_step=lot_step, lot_size=draw(st.sampled_from([D(1), D(1000)]))),
        balances=Balances(
            draw(st.none() | st.decimals(0, 10**7, places=4)), draw(st.none() | st.decimals(0, 10**9, places=4))
        ),
        parameters=draw(_values()),
    )


@settings(max_examples=150, deadline=None)
@given(any_inputs())
def test_any_quote_is_inside_every_limit(given_inputs: QuoteInputs) -> None:
    result = compute_quote(given_inputs)
    s, rules, p = D(given_inputs.reference.price), given_inputs.market, given_inputs.parameters
    if result.bid.raw_price is not None and result.ask.raw_price is not None:
        assert result.bid.raw_price <= given_inputs.reference.price <= result.ask.raw_price
    free = given_inputs.balances
    for side in (result.bid, result.ask):
        assert (side.price is None) == (side.reason is not None) == (side.size == 0)
        if side.price is None:
            continue
        assert side.price > 0 and side.price % rules.tick == 0
        assert side.size % rules.lot_step == 0
        assert rules.min_size <= side.size <= p.order_size_lots * rules.lot_size
        assert rules.min_notional <= side.price * side.size <= p.max_notional_per_side
        if adds_exposure(side.side, given_inputs.q_lots):
            assert abs(given_inputs.q_lots) < p.q_hard_lots
    if result.bid.price is not None:
        assert result.bid.price <= s
        assert given_inputs.best_ask is None or result.bid.price < given_inputs.best_ask
        assert free.quote is not None and result.bid.price * result.bid.size * D("1.0005") <= free.quote
    if result.ask.price is not None:
        assert result.ask.price >= s
        assert given_inputs.best_bid is None or result.ask.price > given_inputs.best_bid
        assert free.base is not None and result.ask.size <= free.base
    if result.bid.price is not None and result.ask.price is not None:
        assert result.bid.price < result.ask.price


@settings(max_examples=60, deadline=None)
@given(any_inputs(), st.floats(0.0, 50.0))
def test_more_inventory_never_raises_a_quote(given_inputs: QuoteInputs, more: float) -> None:
    low = compute_quote(given_inputs)
    high = compute_quote(replace(given_inputs, q_lots=given_inputs.q_lots + more))
    if low.bid.raw_price is None or high.bid.raw_price is None:
        return
    assert low.ask.raw_price is not None and high.ask.raw_price is not None
    slack = 4 * math.ulp(given_inputs.reference.price)
    assert high.bid.raw_price <= low.bid.raw_price + slack
    assert high.ask.raw_price <= low.ask.raw_price + slack


@settings(max_examples=60, deadline=None)
@given(any_inputs())
def test_any_inputs_survive_json(given_inputs: QuoteInputs) -> None:
    again = from_dict(QuoteInputs, json.loads(json.dumps(to_dict(given_inputs))))
    assert again == given_inputs
    assert to_dict(compute_quote(again)) == to_dict(compute_quote(given_inputs))
