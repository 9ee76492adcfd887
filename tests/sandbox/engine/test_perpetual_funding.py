"""Funding of perpetuals: amounts, times, one payment per funding time whatever happens, and rates."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from trading.sandbox.exchange import Exchange
from trading.sandbox.types import Funding, FundingRate, Reject, RejectCode

from .conftest import PERPETUAL

SYMBOL = "ETH/USDT:USDT"
S = 1_000_000_000


@pytest.fixture
def held(perp):
    """`desk` is long 10 contracts, `other` short 10, at 2000.00; the mark is 2000.005, the rate 0.0001."""
    perp.place("buy", "2000.00", 10)
    perp.place("sell", "2000.00", 10, account="other")
    perp.depth(bids=[("2000.00", 50)], asks=[("2000.01", 50)])
    perp.x.set_funding_rate(SYMBOL, D("0.0001"), perp.now)
    return perp


def paid(perp, account="desk"):
    return [(f.funding_ns // S, f.amount) for f in perp.x.funding(account)]


def test_longs_pay_and_shorts_receive_at_a_positive_rate(held):
    wallet = held.balance("USDT")[0]
    held.now = 60 * S + 5
    held.x.advance(held.now)
    (payment,) = held.x.funding("desk")
    # −10 × 0.1 × 2000.005 × 0.0001
    assert (payment.amount, payment.asset, payment.size) == (D("-0.2000005"), "USDT", D(10))
    assert (payment.rate, payment.mark_price) == (D("0.0001"), D("2000.005"))
    assert (payment.funding_ns, payment.ts_ns) == (60 * S, 60 * S + 5)
    assert paid(held, "other") == [(60, D("0.2000005"))]
    assert held.balance("USDT")[0] - wallet == D("-0.2000005")
    assert held.x.asset_totals()["USDT"] == D(20_000)
    assert [transfer.amount for transfer in held.x.transfers("desk")] == [D(10_000)]  # funding is no transfer


def test_each_funding_time_is_booked_once(held):
    for now_s in (59, 60, 60, 61, 119, 120, 121, 60, 130):  # the clock may even jump back
        held.now = now_s * S
        held.x.advance(held.now)
    assert [when for when, _ in paid(held)] == [60, 120]
    assert [f.seq for f in held.x.funding("desk")] == sorted({f.seq for f in held.x.funding("desk")})
    held.reopen()
    held.depth(bids=[("2000.00", 5)], asks=[("2000.01", 5)])
    held.x.advance(held.now)
    assert [when for when, _ in paid(held)] == [60, 120]
    held.now = 180 * S
    held.x.advance(held.now)
    assert [when for when, _ in paid(held)] == [60, 120, 180]


def test_times_that_passed_while_the_venue_was_down_are_settled_as_one_before_anything_else(held):
    held.place("sell", "2100.00", 10)  # would close the position as soon as the market is back
    held.x.close()
    held.now = 305 * S
    held.open()
    held.x.advance(held.now)
    assert paid(held) == []  # no mark yet
    held.depth(bids=[("2100.00", 50)], asks=[("2100.02", 5)], snapshot=True)
    assert paid(held) == [(300, D("-0.210001"))]  # on the 10 contracts as they were, at the mid of 2100.01
    assert held.x.positions("desk")[0].size == 0
    assert paid(held, "other") == [(300, D("0.210001"))]
    held.now = 360 * S
    held.x.advance(held.now)
    assert [when for when, _ in paid(held)] == [300]  # flat: no row


def test_what_is_due_is_booked_before_a_request_that_changes_the_position(held):
    held.now = 60 * S
    held.place("sell", "2000.00", 5, "ioc")  # no turn of the clock in between
    assert held.x.positions("desk")[0].size == D(5)
    assert paid(held) == [(60, D("-0.2000005"))]
    order = held.place("sell", "2010.00", 5)
    held.now = 120 * S
    held.x.amend("desk", SYMBOL, order_id=order.order_id, new_price=D("2009.00"), now_ns=held.now)
    held.now = 180 * S
    held.trade("buy", "2009.00", 5)
    assert held.x.positions("desk")[0].size == 0
    assert [amount for _, amount in paid(held)] == [D("-0.2000005"), D("-0.10000025"), D("-0.10000025")]


def test_without_a_recorded_book_funding_waits(held):
    held.depth(snapshot=True)
    held.now = 70 * S
    held.x.advance(held.now)
    assert paid(held) == []
    rate = held.x.funding_rate(SYMBOL, held.now)
    assert (rate.mark_price, rate.last_funding_ns, rate.funding_ns) == (None, None, 120 * S)
    held.depth(bids=[("2000.00", 5)], asks=[("2000.01", 5)])
    assert paid(held) == [(60, D("-0.2000005"))]


def test_the_rate_cycles_through_both_signs_unless_it_is_set(held):
    held.x.set_funding_rate(SYMBOL, None, held.now)
    shown = []
    for number in range(1, 19):
        shown.append(held.x.funding_rate(SYMBOL, held.now).rate)
        held.now = number * 60 * S
        held.x.advance(held.now)
    rates = [f.rate for f in held.x.funding("desk")]
    assert rates == shown
    assert rates[:9] == rates[9:]
    assert min(rates) < 0 < max(rates)
    held.x.set_funding_rate(SYMBOL, D("-0.0003"), held.now)
    held.reopen()  # what was set is kept
    held.depth(bids=[("2000.00", 5)], asks=[("2000.01", 5)])
    assert held.x.funding_rate(SYMBOL, held.now).rate == D("-0.0003")
    held.now += 60 * S
    held.x.advance(held.now)
    assert held.x.funding("desk")[-1].amount == D("0.6000015")


def test_a_rate_of_zero_leaves_a_row_and_no_payment(held):
    held.x.set_funding_rate(SYMBOL, D(0), held.now)
    held.now = 60 * S
    held.x.advance(held.now)
    assert paid(held) == [(60, D(0))]


@pytest.mark.parametrize("rate", ["0.051", "-0.051", "NaN", "0.0000000000001"])
def test_absurd_rates_are_refused(held, rate):
    before = held.x.funding_rate(SYMBOL, held.now)
    with pytest.raises(Reject) as refused:
        held.x.set_funding_rate(SYMBOL, D(rate), held.now)
    assert refused.value.code is RejectCode.BAD_REQUEST
    assert held.x.funding_rate(SYMBOL, held.now) == before


def test_the_funding_rate_names_the_next_times_and_the_last(held):
    assert held.x.funding_rate(SYMBOL, held.now) == FundingRate(
        SYMBOL, D("0.0001"), 60 * S, 120 * S, 60, D("2000.005"), None, None, held.now
    )
    held.events.clear()
    held.now = 61 * S
    held.x.advance(held.now)
    told = [event for event in held.events if isinstance(event, (Funding, FundingRate))]
    assert [type(event) for event in told] == [Funding, Funding, FundingRate]
    assert told[-1] == FundingRate(
        SYMBOL, D("0.0001"), 120 * S, 180 * S, 60, D("2000.005"), D("0.0001"), 60 * S, held.now
    )


def test_a_new_interval_counts_from_what_was_settled(tmp_path):
    path = tmp_path / "ledger.db"
    first = Exchange({SYMBOL: PERPETUAL}, path, 100 * S)
    first.close()
    second = Exchange({SYMBOL: replace(PERPETUAL, funding_interval_s=7)}, path, 101 * S)
    assert second.funding_rate(SYMBOL, 101 * S).funding_ns == 105 * S
    second.close()


def test_history_pages_by_seq_symbol_and_time(held):
    for number in range(1, 6):
        held.now = number * 60 * S
        held.x.advance(held.now)
    rows = held.x.funding("desk", limit=2)
    assert [f.funding_ns // S for f in rows] == [60, 120]
    rest = held.x.funding("desk", after_seq=rows[-1].seq)
    assert [f.funding_ns // S for f in rest] == [180, 240, 300]
    assert held.x.funding("desk", since_ns=240 * S) == rest[1:]
    assert held.x.funding("desk", "DCT/USDT") == []
    assert len({f.seq for account in ("desk", "other") for f in held.x.funding(account)}) == 10


def test_positions_and_funding_survive_a_restart_and_are_exported(held):
    held.now = 60 * S
    held.x.advance(held.now)
    held.place("sell", "2050.00", 4)
    exported, balances = held.x.export("desk"), held.x.balances("desk")
    assert [row["amount"] for row in exported["funding"]] == ["-0.2000005"]
    assert [(row["symbol"], row["size"], row["entry_price"]) for row in exported["positions"]] == [
        (SYMBOL, "10", "2000")
    ]
    held.reopen()
    held.depth(bids=[("2000.00", 5)], asks=[("2000.01", 5)])
    assert (held.x.export("desk"), held.x.balances("desk")) == (exported, balances)
