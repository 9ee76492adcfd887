"""Session P&L, its peak, and markouts, by literal numbers."""

from __future__ import annotations

from decimal import Decimal as D

from trading.risk.markout import FilledAt, markout_bps, markouts, price_at
from trading.risk.session import Session, carried_on, session_pnl
from trading.risk.side import Side

S = 1_000_000_000


def test_a_session_opens_at_nought_and_its_peak_only_rises() -> None:
    opened = carried_on(None, "2026-11-23", D(500), D(2), D(1000))
    assert opened == Session("2026-11-23", D(500), D(2), D(0))
    higher = carried_on(opened, "2026-11-23", D(540), D(2), D(1000))
    assert higher.peak == D(40)
    assert carried_on(higher, "2026-11-23", D(400), D(2), D(1000)).peak == D(40)
    assert carried_on(higher, "2026-11-24", D(400), D(2), D(1000)) == Session("2026-11-24", D(400), D(2), D(0))


def test_price_moves_of_the_target_inventory_are_no_trading_result() -> None:
    opened = Session("2026-11-23", D(500), D(2), D(0))
    # The price fell by 0.10: 1000 base of target lost 100, which the P&L shows and the session does not.
    assert session_pnl(opened, D(400), D("1.9"), D(1000)) == D(0)
    # 50 base more than target lose 5 more.
    assert session_pnl(opened, D(395), D("1.9"), D(1000)) == D(-5)


def test_markouts_are_signed_for_us() -> None:
    assert round(markout_bps(FilledAt(0, Side.BUY, 100.0), 100.1), 9) == 10.0
    assert round(markout_bps(FilledAt(0, Side.SELL, 100.0), 100.1), 9) == -10.0


def test_the_later_price_is_the_last_known_then_and_not_older_than_five_seconds() -> None:
    times, prices = [0, 10 * S, 11 * S], [100.0, 101.0, 102.0]
    assert price_at(times, prices, 10 * S) == 101.0
    assert price_at(times, prices, 12 * S) == 102.0
    assert price_at(times, prices, 16 * S) == 102.0
    assert price_at(times, prices, 16 * S + 1) is None
    assert price_at(times, prices, 9 * S) is None
    assert price_at([], [], 0) is None


def test_fills_younger_than_the_horizon_or_without_a_later_price_are_left_out() -> None:
    times, prices = [0, 10 * S, 11 * S], [100.0, 101.0, 102.0]
    fills = [FilledAt(0, Side.BUY, 100.0), FilledAt(1 * S, Side.SELL, 100.0), FilledAt(8 * S, Side.BUY, 100.0)]
    found = markouts(fills, times, prices, 10.0, now_ns=12 * S)
    assert [round(one, 6) for one in found] == [100.0, -200.0]
