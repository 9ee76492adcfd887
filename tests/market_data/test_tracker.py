"""One market put together: proof of life, bad books, own prints, gaps in the volatility, the view."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.market_data.scripted_venue import book, info, trade
from tests.market_data.test_reference import order
from trading.clock import FakeClock
from trading.hot_state.codec import decode, encode
from trading.hot_state.values import MarketView
from trading.market_data.market_state import read_clock
from trading.market_data.problems import FeedProblem
from trading.market_data.reference import Candidate, ReferenceRules, ReferenceSource
from trading.market_data.rules import MarketRules
from trading.market_data.tracker import MarketTracker, Moment
from trading.market_data.volatility_grid import StoredVolatility
from trading.registry.selectors import MarketRef
from trading.strategy.volatility import EwmaParams
from trading.venues.interface import Side, VenueKind

EWMA = EwmaParams(step_s=1.0, lookback_s=10.0, gap_s=3.0, sigma_min=1e-5, sigma_max=5e-3, sigma_prior=1e-4)
RULES = MarketRules(
    version=1,
    reference=ReferenceRules(D(100), 10.0, 0, 2, 1, 2.0),
    ewma=EWMA,
    feed_stale_s=3.0,
)
REF = MarketRef(1, "m", "dex-desk", "dex", "ton_dex", "dct", "usdt", "DCT/USDT", D(1000), "recorded")
GOOD = book("m", [("0.2500", "10")], [("0.2502", "10")])


class Desk:
    """A tracker and the clock it lives by."""

    def __init__(self, rules: MarketRules | None = RULES, stored: StoredVolatility | None = None) -> None:
        self.clock = FakeClock()
        self.tracker = MarketTracker(REF, rules, stored)
        self.tracker.info = info("m")
        self.tracker.state.account_problem = FeedProblem.NONE

    @property
    def now(self) -> Moment:
        return Moment(self.clock.now_ns(), self.clock.monotonic_s())

    def book(self, one: object) -> None:
        self.tracker.state.on_book(one, self.now.s, self.now.ns)

    def view(self, *orders: object, others: tuple[Candidate, ...] = ()) -> MarketView:
        self.tracker.assess(orders, others, self.now)
        return self.tracker.view(self.now)


def test_a_quiet_market_is_not_a_dead_one() -> None:
    desk = Desk()
    desk.book(GOOD)
    for _ in range(600):  # ten minutes of pongs, not one change
        desk.clock.advance(1.0)
        desk.tracker.state.on_proof(desk.now.s)
    view = desk.view()
    assert (view.proof_age_s, view.reference, view.problem) == (0.0, D("0.2501"), "")


def test_a_silent_feed_goes_stale_by_the_monotonic_clock() -> None:
    desk = Desk()
    desk.book(GOOD)
    desk.clock.skew(-3600.0)  # a corrected wall clock is no silence, and hides none
    desk.clock.advance(2.9)
    assert desk.view().problem == ""
    desk.clock.advance(0.2)
    view = desk.view()
    assert (view.problem, view.reference, view.reference_source) == ("stale_book", None, "none")
    assert view.proof_age_s == pytest.approx(3.1)


@pytest.mark.parametrize(
    ("bids", "asks", "problem"),
    [
        ([("0.2503", "1")], [("0.2502", "1")], "crossed_book"),
        ([("0.2502", "1")], [("0.2502", "1")], "crossed_book"),
        ([], [], "empty_book"),
        ([("0.2500", "1"), ("0.2501", "1")], [("0.2502", "1")], "malformed_book"),
        ([("0.2500", "0")], [("0.2502", "1")], "malformed_book"),
        ([("-1", "1")], [("0.2502", "1")], "malformed_book"),
        ([("NaN", "1")], [("0.2502", "1")], "malformed_book"),
    ],
)
def test_a_bad_book_is_flagged_and_gives_no_reference(bids: list, asks: list, problem: str) -> None:
    desk = Desk()
    desk.book(book("m", bids, asks))
    view = desk.view()
    assert (view.book_ok, view.problem, view.reference) == (False, problem, None)


def test_a_reset_voids_the_book_until_the_next_one() -> None:
    desk = Desk()
    desk.book(GOOD)
    desk.tracker.state.on_reset()
    view = desk.view()
    assert (view.book_ok, view.connected, view.problem, view.reference) == (False, False, "resynchronising", None)
    desk.book(GOOD)
    assert (desk.view().book_ok, desk.view().problem) == (True, "")


def test_an_account_problem_is_told_first_and_survives_a_live_feed() -> None:
    desk = Desk()
    desk.book(GOOD)
    desk.tracker.state.account_problem = FeedProblem.AUTH_REJECTED
    view = desk.view()
    assert (view.connected, view.problem) == (False, "auth_rejected")


def test_without_parameters_or_readable_orders_there_is_no_reference() -> None:
    desk = Desk(rules=None)
    desk.book(GOOD)
    assert (desk.view().reference, desk.view().problem) == (None, "no_parameters")
    desk = Desk()
    desk.book(GOOD)
    desk.tracker.assess(None, (), desk.now)
    view = desk.tracker.view(desk.now)
    assert (view.reference, view.problem) == (None, "own_orders_unreadable")


def test_last_independent_trade_is_the_fallback_until_it_is_too_old() -> None:
    desk = Desk()
    desk.book(book("m", [("0.2500", "10")], []))
    desk.tracker.state.on_trade(trade("m", "1", "0.2510", desk.now.ns))
    assert desk.view().reference is None  # our own fill of it might still be on its way
    desk.clock.advance(1.5)
    desk.tracker.state.on_proof(desk.now.s)
    view = desk.view()
    assert (view.reference, view.reference_source, view.reference_age_s) == (D("0.2510"), "last_trade", 1.5)
    assert view.reference_widen == 2.0
    desk.clock.advance(9.0)
    desk.tracker.state.on_proof(desk.now.s)
    assert desk.view().reference is None


def test_prints_of_our_own_are_not_independent() -> None:
    desk = Desk()
    desk.book(book("m", [("0.2500", "10")], []))
    desk.tracker.state.on_trade(trade("m", "1", "0.2509", desk.now.ns))
    desk.clock.advance(0.5)
    desk.tracker.state.on_trade(trade("m", "2", "0.2510", desk.now.ns))
    desk.tracker.state.on_own_trade("2")
    desk.clock.advance(1.5)
    desk.tracker.state.on_proof(desk.now.s)
    assert desk.view().reference == D("0.2509")


@pytest.mark.parametrize(("own_side", "reference"), [("sell", None), ("buy", D("0.2510"))])
def test_a_print_against_a_level_we_stand_on_is_not_independent(own_side: str, reference: D | None) -> None:
    desk = Desk()
    desk.book(book("m", [("0.2500", "10")], []))
    desk.tracker.state.on_trade(trade("m", "1", "0.2510", desk.now.ns, Side.BUY))
    desk.clock.advance(1.5)
    desk.tracker.state.on_proof(desk.now.s)
    assert desk.view(order(own_side, "0.2510", "5")).reference == reference


def test_the_age_of_a_print_is_on_the_venues_clock() -> None:
    desk = Desk()
    desk.tracker.state.clock = read_clock(desk.now.ns, desk.now.ns - 5_000_000_000, desk.now.ns)
    assert desk.tracker.state.clock.skew_ms == -5000.0
    assert desk.tracker.state.trade_age_s(trade("m", "1", "1", desk.now.ns - 5_000_000_000), desk.now.ns) == 0.0


def test_clock_reading_takes_the_middle_of_the_round_trip() -> None:
    reading = read_clock(1_000_000_000, 1_300_000_000, 1_200_000_000)
    assert (reading.skew_ms, reading.error_ms) == (200.0, 100.0)


def test_a_repeated_or_malformed_print_is_dropped() -> None:
    state = Desk().tracker.state
    assert state.on_trade(trade("m", "1", "0.25", 1))
    assert not state.on_trade(trade("m", "1", "0.25", 1))
    assert not state.on_trade(trade("m", "2", "NaN", 1))
    assert not state.on_trade(trade("m", "3", "-1", 1))
    assert len(state.trades) == 1


def minute_of_seconds(desk: Desk, mids: list[str]) -> None:
    for mid in mids:
        price = D(mid)
        desk.book(book("m", [(str(price - D("0.0001")), "10")], [(str(price + D("0.0001")), "10")]))
        desk.view()
        desk.clock.advance(1.0)


def test_volatility_is_sampled_on_the_grid() -> None:
    desk = Desk()
    minute_of_seconds(desk, ["0.2500", "0.2510", "0.2510", "0.2500"])
    # The view a second later closes the last grid point: returns ln(251/250), 0, -ln(251/250); w = exp(-1/10).
    final = desk.view()
    weight, jump = math.exp(-0.1), math.log(251 / 250)
    expected = 1e-4**2
    for one in (jump, 0.0, -jump):
        expected = weight * expected + (1 - weight) * one * one
    assert final.sigma_raw == pytest.approx(math.sqrt(expected))
    assert final.vol_samples == 3


def test_no_return_across_a_feed_gap() -> None:
    whole, broken = Desk(), Desk()
    minute_of_seconds(whole, ["0.2500", "0.2500", "0.2500", "0.2500"])
    minute_of_seconds(broken, ["0.2500", "0.2500"])
    broken.tracker.state.on_reset()  # resynchronised between two views, at another price
    minute_of_seconds(broken, ["0.2600", "0.2600", "0.2600"])
    assert broken.view().sigma_raw < 1e-4  # only zero returns
    assert broken.view().vol_samples == 2
    # An outage during which views went on tells the same.
    out = Desk()
    minute_of_seconds(out, ["0.2500", "0.2500"])
    for _ in range(20):
        out.clock.advance(1.0)
        out.view()
    minute_of_seconds(out, ["0.2600", "0.2600", "0.2600"])
    assert out.view().sigma_raw < 1e-4


def test_a_change_of_source_is_no_return() -> None:
    desk = Desk()
    minute_of_seconds(desk, ["0.2500", "0.2500", "0.2500"])
    desk.book(book("m", [("0.2500", "10")], []))
    for _ in range(4):
        desk.clock.advance(1.0)
        desk.tracker.state.on_proof(desk.now.s)
        view = desk.view(others=(Candidate(ReferenceSource.OTHER_MARKET, D("0.3000"), 0.2),))
        assert view.reference_source == "other_market"
    assert view.sigma_raw < 1e-4


def test_quiet_seconds_are_zero_returns() -> None:
    desk = Desk()
    desk.book(GOOD)
    for _ in range(12):
        desk.view()
        desk.clock.advance(1.0)
        desk.tracker.state.on_proof(desk.now.s)
    view = desk.view()
    assert (view.vol_samples, view.is_warm) == (11, True)
    assert view.sigma_raw == pytest.approx(1e-4 * math.exp(-1.1 / 2))
    assert view.rolling_mid == D("0.2501")


@pytest.mark.parametrize(
    ("stored", "sigma", "samples", "warm"),
    [
        (None, 1e-4, 0, False),
        (StoredVolatility(3e-4, 50, 30.0), 3e-4, 50, True),
        (StoredVolatility(3e-4, 50, 600.0), 3e-4, 0, False),
        (StoredVolatility(3e-4, 50, 7200.0), 1e-4, 0, False),
    ],
)
def test_start_from_the_stored_volatility_or_the_prior(
    stored: StoredVolatility | None, sigma: float, samples: int, warm: bool
) -> None:
    desk = Desk(stored=stored)
    desk.book(GOOD)
    view = desk.view()
    assert (view.sigma_raw, view.vol_samples, view.is_warm) == (pytest.approx(sigma), samples, warm)


def test_another_grid_step_starts_from_the_prior() -> None:
    desk = Desk(stored=StoredVolatility(3e-4, 50, 30.0))
    desk.tracker.use(replace(RULES, version=2, ewma=replace(EWMA, lookback_s=20.0)))
    assert desk.view().sigma_raw == pytest.approx(3e-4)
    desk.tracker.use(replace(RULES, version=3, ewma=replace(EWMA, step_s=2.0)))
    assert desk.view().sigma_raw == pytest.approx(1e-4)


def test_only_its_own_live_book_is_offered_to_other_markets() -> None:
    desk = Desk()
    desk.book(GOOD)
    desk.view()
    assert desk.tracker.as_candidate(desk.now) == Candidate(ReferenceSource.OTHER_MARKET, D("0.2501"), 0.0)
    desk.clock.advance(2.0)
    assert desk.tracker.as_candidate(desk.now).age_s == 2.0
    desk.clock.advance(2.0)
    assert desk.tracker.as_candidate(desk.now) is None
    desk.tracker.info = replace(info("m"), kind=VenueKind.AMM)
    desk.book(GOOD)
    desk.view()
    assert desk.tracker.as_candidate(desk.now).source is ReferenceSource.POOL


def test_the_view_survives_its_encoding() -> None:
    desk = Desk()
    view = desk.view()  # nothing was ever heard: ages are large, not infinite
    assert decode(encode(view), MarketView) == view
    assert view.proof_age_s == 1e9
    assert view.problem == "connecting"
    desk.book(GOOD)
    desk.tracker.state.on_trade(trade("m", "1", "0.25", 5))
    full = desk.view()
    assert decode(encode(full), MarketView) == full
    assert [(one.trade_id, one.side) for one in full.trades] == [("1", "buy")]


def test_a_fill_known_before_its_book_does_not_make_our_rest_look_foreign() -> None:
    desk = Desk()
    desk.book(book("m", [("0.2501", "100"), ("0.2500", "10")], [("0.2504", "10")]))
    assert desk.view(order("buy", "0.2501", "100")).ext_bid == D("0.2500")
    desk.clock.advance(0.01)
    filled = order("buy", "0.2501", "100", filled=D(40))  # told on its own socket, the book still shows 100
    assert desk.view(filled).ext_bid == D("0.2500")
    desk.clock.advance(0.01)
    desk.book(book("m", [("0.2501", "60"), ("0.2500", "10")], [("0.2504", "10")]))
    assert desk.view(filled).ext_bid == D("0.2500")
    # Half a second later somebody has joined us: the level is foreign too.
    desk.clock.advance(0.6)
    desk.book(book("m", [("0.2501", "80"), ("0.2500", "10")], [("0.2504", "10")]))
    assert desk.view(filled).ext_bid == D("0.2501")


def test_a_forgotten_order_is_still_taken_out_of_the_book_that_shows_it() -> None:
    desk = Desk()
    desk.book(book("m", [("0.2501", "5"), ("0.2500", "10")], [("0.2504", "10")]))
    desk.view(order("buy", "0.2501", "5"))
    desk.clock.advance(0.1)
    assert desk.view().ext_bid == D("0.2500")
    for _ in range(3):  # and if no book ever follows, it was somebody else's
        desk.clock.advance(1.0)
        desk.tracker.state.on_proof(desk.now.s)
    assert desk.view().ext_bid == D("0.2501")
