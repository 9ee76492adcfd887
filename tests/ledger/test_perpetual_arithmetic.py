"""A perpetual's position: literals worked by hand, and any sequence against the venue's own rule, written here once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.property import examples
from trading.ledger.arithmetic import (
    PositionState,
    apply_funding,
    apply_perpetual_fill,
    apply_quote_fee,
    invariant_gap,
    mark_to_market,
    value,
)

D, ZERO = Decimal, Decimal(0)
WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


def test_what_closes_is_settled_and_the_rest_keeps_its_entry() -> None:
    opened = apply_perpetual_fill(PositionState(), "buy", D(2), D(3000), D(0))
    assert (opened.q, opened.cost_basis, opened.realised, opened.cash_flow) == (2, 6000, 0, -6000)
    closed = apply_perpetual_fill(opened, "sell", D("0.5"), D(3100), D(50))
    assert (closed.q, closed.average_price, closed.realised, closed.cash_flow) == (D("1.5"), 3000, 50, -4450)
    turned = apply_perpetual_fill(closed, "sell", D(2), D(2900), D(-150))
    assert (turned.q, turned.average_price, turned.realised) == (D("-0.5"), 2900, -100)
    # Short half an ETH from 2900: at 2800 it gains 50.
    assert mark_to_market(turned, D(2800)).unrealised == 50
    assert (turned.bought, turned.sold, turned.volume, turned.fills) == (2, D("2.5"), 13350, 3)


def test_fee_and_funding_are_money_and_leave_the_entry_alone() -> None:
    opened = apply_perpetual_fill(PositionState(), "sell", D(1), D(3000), D(0))
    paid = apply_funding(apply_quote_fee(opened, D("0.24")), D("-0.3"))
    received = apply_funding(paid, D("1.5"))
    assert (received.realised, received.fees, received.funding) == (D("0.96"), D("0.24"), D("1.2"))
    assert (received.q, received.average_price, received.cost_basis) == (-1, 3000, -3000)


def test_the_rounding_of_the_venue_is_kept_as_it_tells_it() -> None:
    # 0.001 at 3000.01 and 0.002 at 3000.02: entry 3000.016..., of which the venue settles to 8 decimals.
    state = apply_perpetual_fill(PositionState(), "buy", D("0.001"), D("3000.01"), D(0))
    state = apply_perpetual_fill(state, "buy", D("0.002"), D("3000.02"), D(0))
    state = apply_perpetual_fill(state, "sell", D("0.001"), D("3001"), D("0.00098333"))
    assert state.realised == D("0.00098333")
    assert abs(state.cost_basis - D("0.002") * D("3000.016666666666666667")) < D("0.00000001")


@dataclass
class VenueBook:
    """The rule of docs/sandbox-venue.md section 13, in base units."""

    q: Decimal = ZERO
    entry: Decimal = ZERO

    def fill(self, signed: Decimal, price: Decimal) -> Decimal:
        """What this fill settles."""
        with localcontext(WIDE):
            closes = min(abs(signed), abs(self.q)) if self.q * signed < 0 else D(0)
            direction = 1 if self.q > 0 else -1
            settled = (direction * closes * (price - self.entry)).quantize(D("1e-8"))
            before, self.q = self.q, self.q + signed
            if closes == 0:
                worth = abs(before) * self.entry + abs(signed) * price
                self.entry = (worth / abs(self.q)).quantize(D("1e-18"))
            elif self.q * before < 0:
                self.entry = price
            return settled


sizes = st.integers(1, 5_000).map(lambda lots: D(lots).scaleb(-3))
prices = st.integers(200_000, 400_000).map(lambda cents: D(cents).scaleb(-2))
money = st.integers(-(10**9), 10**9).map(lambda number: D(number).scaleb(-8))
fills = st.tuples(st.sampled_from(["buy", "sell"]), sizes, prices)
events = st.one_of(fills, st.tuples(st.just("fee"), money, prices), st.tuples(st.just("funding"), money, prices))
Event = tuple[str, Decimal, Decimal]
Booked = tuple[str, Decimal, Decimal, Decimal]


def told(happened: list[Event]) -> tuple[list[Booked], VenueBook]:
    """The events as the venue tells them, with what each settled, and its own book at the end."""
    venue, found = VenueBook(), []
    for kind, amount, price in happened:
        settled = D(0)
        if kind in ("buy", "sell"):
            settled = venue.fill(amount if kind == "buy" else -amount, price)
        found.append((kind, amount, price, settled))
    return found, venue


def apply(state: PositionState, event: Booked) -> PositionState:
    kind, amount, price, settled = event
    if kind == "fee":
        return apply_quote_fee(state, amount)
    if kind == "funding":
        return apply_funding(state, amount)
    return apply_perpetual_fill(state, kind, amount, price, settled)


@examples(200)
@given(st.lists(events, max_size=25), prices)
def test_realised_and_unrealised_are_cash_flow_and_worth_to_the_last_decimal(happened: list[Event], mark: D) -> None:
    booked, venue = told(happened)
    state, money_moved = PositionState(), D(0)
    for event in booked:
        state = apply(state, event)
        money_moved += {"fee": -event[1], "funding": event[1]}.get(event[0], event[3])
        assert invariant_gap(state) == 0
        assert state.realised == money_moved
    worth = Fraction(state.cash_flow) + Fraction(value(state.q, mark))
    assert Fraction(mark_to_market(state, mark).total) == worth
    # The venue's own position and entry; each fill may have been rounded by half of 1e-8.
    assert state.q == venue.q
    not_settled = Fraction(venue.q) * Fraction(venue.entry) if venue.q else Fraction(0)
    assert abs(Fraction(state.cost_basis) - not_settled) <= Fraction(len(booked) + 1, 10**8)


@examples(120)
@given(st.lists(events, max_size=15), st.randoms(use_true_random=False))
def test_order_changes_nothing_at_all(happened: list[Event], random: object) -> None:
    booked, _ = told(happened)
    first, second, shuffled = PositionState(), PositionState(), list(booked)
    random.shuffle(shuffled)
    for event in booked:
        first = apply(first, event)
    for event in shuffled:
        second = apply(second, event)
    assert replace(first) == second
