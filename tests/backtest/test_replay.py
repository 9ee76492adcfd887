"""Two sets of parameters over one recording: literal spreads, sizes, distances, prints, reasons; equal bytes for equal input."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.builders import cycle, facts, trade, values, window, without_numbers
from trading.backtest.engine import (
    Count,
    Figures,
    PreviewResult,
    PreviewTooSlow,
    QuotingFigures,
    canonical_hash,
    canonical_json,
    result_body,
)
from trading.backtest.recorded import RecordedWindow
from trading.backtest.replay import replay_window
from trading.risk.side import Side
from trading.risk.states import TradingState
from trading.strategy.quote_types import Reference


def _never() -> None:
    return


def preview(recorded: RecordedWindow, **after: str) -> PreviewResult:
    return replay_window(recorded, values(), values(**after), _never)


def sides(result: PreviewResult) -> tuple[QuotingFigures, QuotingFigures]:
    assert result.before is not None and result.after is not None
    return result.before, result.after


def test_a_wider_floor_widens_the_spread_and_moves_both_quotes_away() -> None:
    """Reference 100.00, tick 0.01. The formula gives 4.232 bps: floors of 5 and 21 decide. Half of 5 bps is 0.025: 99.97 and
    100.03. Half of 21 bps is 0.105: 99.89 and 100.11."""
    before, after = sides(preview(window(cycle(0), cycle(1)), spread_floor_bps="21"))
    assert (before.spread_bps, after.spread_bps) == (Figures("5.0000", "5.0000"), Figures("21.0000", "21.0000"))
    assert (before.quoted_spread_bps.mean, after.quoted_spread_bps.mean) == ("6.0000", "22.0000")
    assert (before.bid.distance_bps.mean, after.bid.distance_bps.mean) == ("3.0000", "11.0000")
    assert (before.ask.distance_bps.median, after.ask.distance_bps.median) == ("3.0000", "11.0000")
    assert before.skew_bps.mean == after.skew_bps.mean == "0.0000"
    assert before.decided_by == (Count("spread_floor", 2),)
    assert (before.both_sides, before.one_side, before.no_side) == ("1.0000", "0.0000", "0.0000")


def test_without_a_floor_the_formula_decides() -> None:
    """gamma sigma^2 T + (2/gamma) ln(1 + gamma/kappa) = 20 x 1e-8 x 120 + 0.1 x ln(1.004) = 4.2320 bps of the price."""
    _, after = sides(preview(window(cycle(0)), spread_floor_bps="1", refresh_tolerance_bps="0.1"))
    assert after.spread_bps.mean == "4.2320"
    assert after.decided_by == (Count("formula", 1),)


def test_size_and_the_taper_of_the_side_that_adds() -> None:
    """14 lots long: half-way from the taper's start at 8 to the hard limit at 20 the bid is half an order, the ask a whole."""
    recorded = replace(cycle(0, q_lots=14.0), position=Decimal(14))
    before, after = sides(preview(window(recorded), order_size_lots="3"))
    assert (before.bid.size_base.mean, before.ask.size_base.mean) == ("0.50000000", "1.00000000")
    assert (after.bid.size_base.mean, after.ask.size_base.mean) == ("1.50000000", "3.00000000")
    assert float(before.skew_bps.mean or "0") < 0


def test_inventory_is_measured_from_the_proposed_target() -> None:
    recorded = replace(cycle(0, q_lots=19.0), position=Decimal(19))
    before, after = sides(preview(window(recorded), q_target_lots="19"))
    assert before.bid.not_quoting == (Count("soft_limit_reached", 1),)
    assert (before.one_side, after.both_sides) == ("1.0000", "1.0000")
    assert after.skew_bps.mean == "0.0000"


def test_a_lower_hard_limit_would_have_paused_the_market() -> None:
    recorded = replace(cycle(0, q_lots=7.0), position=Decimal(7))
    before, after = sides(
        preview(window(recorded), q_hard_lots="7", soft_limit_lots="6", q_soft_lots="2", order_size_lots="1")
    )
    assert before.both_sides == "1.0000"
    assert (after.no_side, after.bid.share) == ("1.0000", "0.0000")
    assert after.bid.not_quoting == after.ask.not_quoting == (Count("hard_limit_reached", 1),)
    assert after.spread_bps == Figures(None, None)


def test_volatility_is_clamped_and_its_regime_told_by_the_proposed_parameters() -> None:
    """Measured 4e-4 is four times the prior of 1e-4: stressed, 1.5 times as wide; a prior of 2e-4 makes it normal."""
    recorded = cycle(0, sigma=4e-4, widen_factor=1.5, about=facts(sigma=4e-4))
    before, after = sides(preview(window(recorded), sigma_prior="0.0002", spread_floor_bps="8"))
    # 20 x 16e-8 x 120 + 3.992e-4 = 7.832 bps; 1.5 times: 11.748.
    assert (before.spread_bps.mean, after.spread_bps.mean) == ("11.7480", "8.0000")
    _, capped = sides(preview(window(recorded), sigma_max="0.0001", spread_floor_bps="1", refresh_tolerance_bps="0.1"))
    assert capped.spread_bps.mean == "6.3480"  # 4.232 bps at the bound, still stressed


def test_a_fallback_reference_widens_by_the_proposed_factor() -> None:
    recorded = cycle(0, reference=Reference(100.0, "last_trade", 1.0), widen_factor=2.0)
    before, after = sides(preview(window(recorded), ref_fallback_widen="3"))
    assert (before.spread_bps.mean, after.spread_bps.mean) == ("10.0000", "15.0000")


def test_a_breaker_is_judged_by_the_proposed_threshold() -> None:
    recorded = cycle(0, about=facts(rolling_mid=99.0))  # 101 bps away
    before, after = sides(preview(window(recorded), price_jump_bps="100"))
    assert (before.both_sides, after.no_side) == ("1.0000", "1.0000")
    assert after.ask.not_quoting == (Count("price_jumped", 1),)


def test_a_cap_below_the_fees_would_not_quote() -> None:
    # 2 x 0.5 bps of fee and 4.2 of cushion: 5.2 bps, above a cap of 5.
    _, after = sides(preview(window(cycle(0)), fee_cushion_bps="4.2", spread_cap_bps="5"))
    assert after.bid.not_quoting == (Count("cap_below_floor", 1),)


def test_prints_that_would_have_reached_each_quote() -> None:
    """Bid 99.97 and ask 100.03 now, 99.89 and 100.11 proposed."""
    prints = (
        trade(0.1, Side.SELL, "99.97", "2"),
        trade(0.2, Side.SELL, "99.98", "4"),  # not as far as either bid
        trade(0.3, Side.SELL, "99.80", "8"),  # beyond both
        trade(0.4, Side.BUY, "100.03", "16"),
        trade(0.5, Side.BUY, "99.00", "32"),  # a taker who buys never reaches a bid
        trade(5.0, Side.SELL, "99.00", "64"),  # nobody was quoting any more
    )
    recorded = replace(window(cycle(0), cycle(1), prints=prints), last_ns=cycle(9).at_ns)
    before, after = sides(preview(recorded, spread_floor_bps="21"))
    assert (before.bid.prints_reached, before.bid.base_reached) == (2, "10")
    assert (before.ask.prints_reached, before.ask.base_reached) == (1, "16")
    assert (after.bid.prints_reached, after.bid.base_reached) == (1, "8")
    assert (after.ask.prints_reached, after.ask.base_reached) == (0, "0")


def test_prints_that_nobody_recorded_are_not_zero() -> None:
    result = preview(window(cycle(0), prints=None))
    before, _ = sides(result)
    assert (before.bid.prints_reached, before.bid.base_reached) == (None, None)
    assert (result.window.prints_source, result.caveats) == ("no_record", ("prints_unknown",))


def test_cycles_without_numbers_stay_without_and_are_counted() -> None:
    result = preview(window(without_numbers(0, "no_reference"), cycle(1), cycle(2), cycle(3)))
    before, after = sides(result)
    assert before == after
    assert (before.both_sides, before.no_side) == ("0.7500", "0.2500")
    assert before.bid.not_quoting == (Count("no_reference", 1),)
    assert "cycles_without_numbers_stay_so" in result.caveats


def test_a_state_that_people_set_is_not_taken_away() -> None:
    paused = replace(cycle(0), state=TradingState.PAUSED, state_reasons=("control_PAUSED",))
    _, after = sides(preview(window(paused), spread_floor_bps="21"))
    assert after.bid.not_quoting == (Count("control_PAUSED", 1),)


def test_a_cycle_from_before_there_were_breakers_is_left_out() -> None:
    old = cycle(0)
    assert old.conditions is not None
    old = replace(old, conditions=replace(old.conditions, breakers=None))
    result = preview(window(old, cycle(1)))
    assert (result.window.cycles_replayed, result.window.cycles_unreadable) == (1, 1)
    alone = preview(window(old))
    assert (alone.before, alone.after, alone.caveats) == (None, None, ("nothing_recorded",))


def test_nothing_recorded_is_said() -> None:
    result = preview(window())
    assert (result.before, result.window.source, result.mark) == (None, "none", None)


def test_what_the_replay_cannot_show_is_named() -> None:
    result = preview(window(cycle(0)), vol_lookback_s="90", gamma="21", ref_rank_pool="3", q_target_lots="1")
    assert result.not_replayed == ("ref_rank_pool", "vol_lookback_s")
    assert result.caveats == ("shared_inventory_as_recorded",)


def test_the_same_recording_gives_the_same_bytes_and_every_number_counts() -> None:
    recorded = window(cycle(0), cycle(1), prints=(trade(0.1, Side.SELL, "99.97"),))
    one, two = (canonical_json(result_body(preview(recorded, gamma="25"))) for _ in range(2))
    assert one == two
    five, six = (canonical_hash(result_body(preview(recorded, spread_floor_bps=floor))) for floor in ("5", "6"))
    assert five != six
    # As a JSON column gives it back.
    assert canonical_json(json.loads(one)) == one


def test_a_deadline_ends_it() -> None:
    def over() -> None:
        raise PreviewTooSlow("over")

    with pytest.raises(PreviewTooSlow):
        replay_window(window(cycle(0)), values(), values(), over)


@settings(max_examples=60, deadline=None)
@given(
    floor=st.decimals("1", "59", places=2),
    lots=st.integers(-25, 25),
    sigma=st.floats(1e-6, 5e-3),
    seconds=st.lists(st.floats(0, 50), min_size=1, max_size=6, unique=True),
)
def test_shares_add_up_and_no_quote_passes_the_reference(
    floor: Decimal, lots: int, sigma: float, seconds: list[float]
) -> None:
    cycles = [
        replace(cycle(at, q_lots=float(lots), sigma=sigma, about=facts(sigma=sigma)), position=Decimal(lots))
        for at in sorted(seconds)
    ]
    for found in sides(preview(window(*cycles), spread_floor_bps=str(floor))):
        total = sum(Decimal(part) for part in (found.both_sides, found.one_side, found.no_side))
        assert abs(total - 1) <= Decimal("0.0002")
        for side in (found.bid, found.ask):
            quoting = round(float(side.share) * len(cycles))
            assert quoting + sum(one.cycles for one in side.not_quoting) == len(cycles)
            assert side.distance_bps.mean is None or float(side.distance_bps.mean) >= 0
