"""Depth within percents of the mid: over the whole book, ours never more than all, honest about where the book ends."""

from __future__ import annotations

from decimal import Decimal as D

from tests.market_data.test_tracker import Desk
from trading.hot_state.values import HotDepth, HotOrder
from trading.market_data.depth import MEASURE_EVERY_S, depth_bands
from trading.venues.interface import Level, OrderBook


def own(side: str, price: str, size: str, status: str = "LIVE", filled: str = "0") -> HotOrder:
    return HotOrder(f"{side}{price}", "v", side, 0, 1, D(price), D(size), D(filled), status, 0, 1)


def deep(levels: int, tick: str = "0.01", is_whole: bool = False) -> OrderBook:
    """A book around 100 with size 1 at every tick."""
    return OrderBook(
        "m",
        tuple(Level(100 - D(tick) * n, D(1)) for n in range(1, levels + 1)),
        tuple(Level(100 + D(tick) * n, D(1)) for n in range(1, levels + 1)),
        1,
        None,
        is_whole,
    )


def test_bands_differ_where_the_book_is_deeper_than_any_view() -> None:
    half, one, two = depth_bands(deep(250), D(100), ())
    # 50, 100 and 200 levels a side: sum of 100 -+ n/100.
    assert (half.bid, half.ask) == (D("4987.25"), D("5012.75"))
    assert (one.bid, one.ask) == (D("9949.5"), D("10050.5"))
    assert (two.bid, two.ask) == (D("19799"), D("20201"))
    assert [band.is_complete for band in (half, one, two)] == [True, True, True]


def test_a_book_cut_inside_the_band_says_so_and_one_that_simply_ends_does_not() -> None:
    assert [band.is_complete for band in depth_bands(deep(100), D(100), ())] == [True, True, False]
    assert [band.is_complete for band in depth_bands(deep(99), D(100), ())] == [True, False, False]
    assert [band.is_complete for band in depth_bands(deep(99, is_whole=True), D(100), ())] == [True, True, True]
    assert depth_bands(OrderBook("m", (), (), 1, None, True), D(100), ())[2] == HotDepth(
        D(2), D(0), D(0), D(0), D(0), True
    )


def test_ours_is_never_more_than_what_the_same_levels_hold() -> None:
    orders = [
        own("buy", "99.90", "0.4"),
        own("buy", "99.20", "5"),  # the book shows only 1 there
        own("buy", "98.505", "3"),  # not in the book at all
        own("sell", "100.10", "2", filled="1.5"),
        own("sell", "100.20", "1", status="UNKNOWN"),
    ]
    half, one, two = depth_bands(deep(250), D(100), orders)
    assert (half.our_bid, half.our_ask) == (D("39.96"), D("50.05"))
    assert (one.our_bid, two.our_bid) == (D("139.16"), D("139.16"))
    assert all(band.our_bid <= band.bid and band.our_ask <= band.ask for band in (half, one, two))


def test_the_view_carries_the_bands_of_the_whole_book_and_measures_them_twice_a_second() -> None:
    desk = Desk()
    desk.book(deep(250))
    view = desk.view(own("buy", "99.20", "1"))
    assert len(view.bids) == 50
    assert [band.bid for band in view.depth] == [D("4987.25"), D("9949.5"), D("19799")]
    assert [band.our_bid for band in view.depth] == [D(0), D("99.2"), D("99.2")]
    desk.book(deep(60))
    assert desk.view().depth == view.depth
    desk.clock.advance(MEASURE_EVERY_S)
    assert [band.is_complete for band in desk.view().depth] == [True, False, False]


def test_no_bands_without_a_usable_book_or_own_orders() -> None:
    desk = Desk()
    assert desk.view().depth == ()
    desk.book(deep(250))
    desk.tracker.assess(None, (), desk.now)
    assert desk.tracker.view(desk.now).depth == ()
    assert len(desk.view().depth) == 3
    desk.tracker.state.on_reset()
    assert desk.view().depth == ()
