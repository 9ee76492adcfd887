"""Pure arithmetic of a position: literals worked by hand, and properties over any sequence of events."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.property import examples
from trading.ledger.arithmetic import (
    OutOfRange,
    PositionState,
    apply_base_fee,
    apply_fill,
    apply_funding,
    apply_other_fee,
    apply_quote_fee,
    apply_transfer_in_kind,
    invariant_gap,
    mark_to_market,
    quantise,
    value,
)

D = Decimal
FLAT = PositionState()


def after(*steps: tuple[str, str, str]) -> PositionState:
    state = FLAT
    for side, size, price in steps:
        state = apply_fill(state, side, D(size), D(price))
    return state


def test_opening_and_adding_average() -> None:
    state = after(("buy", "100", "0.25"), ("buy", "50", "0.28"))
    assert (state.q, state.cost_basis, state.realised, state.cash_flow) == (150, 39, 0, -39)
    assert (state.average_price, state.volume, state.bought, state.fills) == (D("0.26"), 39, 150, 2)


def test_closing_a_part_keeps_the_average() -> None:
    state = after(("buy", "100", "0.25"), ("sell", "40", "0.30"))
    assert (state.q, state.cost_basis, state.realised, state.average_price) == (60, 15, 2, D("0.25"))


def test_crossing_through_zero_opens_at_the_price() -> None:
    state = after(("buy", "100", "0.25"), ("sell", "150", "0.30"))
    assert (state.q, state.cost_basis, state.realised, state.average_price) == (-50, -15, 5, D("0.3"))
    back = apply_fill(state, "buy", D(80), D("0.2"))
    assert (back.q, back.cost_basis, back.realised) == (30, 6, 10)


def test_a_short_position_gains_when_the_price_falls() -> None:
    state = after(("sell", "10", "3"))
    marked = mark_to_market(state, D("2.5"))
    assert (marked.realised, marked.unrealised, marked.total) == (0, 5, 5)


def test_closing_exactly_leaves_no_basis() -> None:
    state = after(("buy", "3", "0.1"), ("sell", "1", "0.2"), ("sell", "1", "0.2"), ("sell", "1", "0.2"))
    assert (state.q, state.cost_basis, state.realised, state.average_price) == (0, 0, D("0.3"), None)


def test_fees_of_three_kinds() -> None:
    bought = after(("buy", "100", "0.25"))
    in_quote = apply_quote_fee(bought, D("0.01"))
    assert (in_quote.q, in_quote.cash_flow, in_quote.realised, in_quote.fees) == (
        100,
        D("-25.01"),
        D("-0.01"),
        D("0.01"),
    )
    in_base = apply_base_fee(bought, D(2), D("0.25"))
    assert (in_base.q, in_base.cost_basis, in_base.cash_flow) == (98, D("24.5"), -25)
    assert (in_base.realised, in_base.fees) == (D("-0.5"), D("0.5"))
    in_other = apply_other_fee(bought, D("0.004"), D("3"))
    assert (in_other.q, in_other.realised, in_other.fees) == (100, D("-0.012"), D("0.012"))
    rebate = apply_quote_fee(bought, D("-0.01"))
    assert (rebate.realised, rebate.fees) == (D("0.01"), D("-0.01"))


def test_transfers_in_kind_and_funding() -> None:
    state = apply_transfer_in_kind(FLAT, D(1000), D("0.25"))
    assert (state.q, state.cost_basis, state.cash_flow, state.realised, state.fills) == (1000, 250, -250, 0, 0)
    out = apply_transfer_in_kind(state, D(-400), D("0.30"))
    # 400 had cost 100 and left at a worth of 120.
    assert (out.q, out.cost_basis, out.cash_flow, out.realised) == (600, 150, -130, 20)
    paid = apply_funding(out, D("-1.5"))
    assert (paid.realised, paid.cash_flow, paid.fees) == (D("18.5"), D("-131.5"), 0)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e19"])
def test_what_no_column_holds_is_refused(amount: str) -> None:
    with pytest.raises(OutOfRange):
        quantise(D(amount))


@pytest.mark.parametrize(("side", "size", "price"), [("hold", "1", "1"), ("buy", "0", "1"), ("buy", "1", "-1")])
def test_a_fill_that_is_none_is_refused(side: str, size: str, price: str) -> None:
    with pytest.raises(ValueError, match=r"side|positive"):
        apply_fill(FLAT, side, D(size), D(price))


def test_the_context_of_the_caller_cuts_nothing() -> None:
    # 33 significant digits; the default context has 28.
    assert value(D("123456789.123456789123456789"), D("1.000000001")) == D("123456789.246913578246913578")


def decimals(low: int, high: int) -> st.SearchStrategy[Decimal]:
    """Decimals of nine places, drawn as whole numbers of the last place: many times faster than drawing decimals."""
    return st.integers(low, high).map(lambda number: Decimal(number).scaleb(-9))


amounts = decimals(1, 10**16)
signed = decimals(-(10**12), 10**12)
events = st.one_of(
    st.tuples(st.sampled_from(["buy", "sell"]), amounts, amounts),
    st.tuples(st.just("quote_fee"), signed, amounts),
    st.tuples(st.just("base_fee"), signed, amounts),
    st.tuples(st.just("other_fee"), signed, amounts),
    st.tuples(st.just("transfer"), signed, amounts),
    st.tuples(st.just("funding"), signed, amounts),
)
Event = tuple[str, Decimal, Decimal]


def apply(state: PositionState, event: Event) -> PositionState:
    kind, amount, rate = event
    if kind in ("buy", "sell"):
        return apply_fill(state, kind, amount, rate)
    if kind == "quote_fee":
        return apply_quote_fee(state, amount)
    if kind == "base_fee":
        return apply_base_fee(state, amount, rate)
    if kind == "other_fee":
        return apply_other_fee(state, amount, rate)
    if kind == "transfer":
        return apply_transfer_in_kind(state, amount, rate)
    return apply_funding(state, amount)


@examples(200)
@given(st.lists(events, max_size=25), amounts)
def test_realised_and_unrealised_are_cash_flow_and_worth_to_the_last_decimal(
    happened: list[Event], mark: Decimal
) -> None:
    state = FLAT
    for event in happened:
        state = apply(state, event)
        assert invariant_gap(state) == 0
        assert (state.cost_basis > 0) <= (state.q > 0)
        assert (state.cost_basis < 0) <= (state.q < 0)
    # Exact fractions: the sum of both may have more digits than the default context of Decimal.
    worth = Fraction(state.cash_flow) + Fraction(value(state.q, mark))
    assert Fraction(mark_to_market(state, mark).total) == worth


@examples(120)
@given(st.lists(events, max_size=15).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_order_changes_neither_quantity_nor_cash_nor_total_pnl(orders: tuple[list[Event], list[Event]]) -> None:
    first, second = FLAT, FLAT
    for event in orders[0]:
        first = apply(first, event)
    for event in orders[1]:
        second = apply(second, event)
    same = ("q", "cash_flow", "fees", "bought", "sold", "volume", "fills")
    assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same]
    assert mark_to_market(first, D("0.3")).total == mark_to_market(second, D("0.3")).total


@examples(120)
@given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), amounts, amounts), min_size=1, max_size=15))
def test_everything_sold_realises_the_cash_flow(happened: list[Event]) -> None:
    state = FLAT
    for event in happened:
        state = apply(state, event)
    if state.q:
        state = apply_fill(state, "sell" if state.q > 0 else "buy", abs(state.q), D(1))
    assert (state.q, state.cost_basis) == (0, 0)
    assert state.realised == state.cash_flow
