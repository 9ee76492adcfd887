"""Own orders inside a recorded market: queue position, prints, reaching quotes, an uncrossed published book."""

from decimal import Decimal as D

from trading.sandbox.types import OrderStatus, PublicTrade

MS = 1_000_000


def test_what_was_displayed_before_us_is_ahead_of_us(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.trade("sell", 100, 10)
    assert desk.fills() == []
    desk.trade("sell", 100, 2)
    assert desk.order(order).filled == D(2)
    desk.trade("sell", 100, 9)
    assert desk.order(order).status is OrderStatus.FILLED
    assert desk.fills() == [("buy", D(100), D(2), "maker"), ("buy", D(100), D(3), "maker")]


def test_what_joins_later_is_behind_us(desk):
    desk.depth(bids=[(100, 4)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 30)])
    desk.trade("sell", 100, 6)
    assert desk.order(order).filled == D(2)


def test_ahead_is_never_more_than_the_level(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 3)])  # cancellations
    desk.now += 2000 * MS
    desk.depth(bids=[(100, 50)])
    desk.trade("sell", 100, 4)
    assert desk.order(order).filled == D(1)


def test_a_depth_decrease_after_its_print_is_not_counted_again(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 20)])  # 10 behind us
    desk.trade("sell", 100, 6)
    desk.depth(bids=[(100, 14)])  # the same 6
    desk.trade("sell", 100, 4)  # exactly what is still ahead
    assert desk.order(order).filled == D(0)
    desk.trade("sell", 100, 1)
    assert desk.order(order).filled == D(1)


def test_a_depth_decrease_before_its_print_is_not_counted_again(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 4)])  # 6 traded, the print is late
    desk.trade("sell", 100, 6)
    assert desk.order(order).filled == D(0)
    desk.trade("sell", 100, 4)
    assert desk.order(order).filled == D(0)
    desk.trade("sell", 100, 1)
    assert desk.order(order).filled == D(1)


def test_a_decrease_nobody_printed_is_forgotten_after_a_second(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 4)])
    desk.now += 1001 * MS
    desk.trade("sell", 100, 6)
    assert desk.order(order).filled == D(2)


def test_two_own_orders_with_background_between_them(desk):
    desk.depth(bids=[(100, 3)], asks=[(101, 10)])
    first = desk.place("buy", 100, 2)
    desk.depth(bids=[(100, 7)])  # 4 between
    second = desk.place("buy", 100, 2, account="other")
    desk.trade("sell", 100, 8)  # 3 ahead, 2 first, 3 of the 4 between
    assert (desk.order(first).filled, desk.order(second).filled) == (D(2), D(0))
    desk.trade("sell", 100, 2)
    assert desk.order(second).filled == D(1)


def test_a_print_through_our_price_fills_us_at_our_price_up_to_its_size(desk):
    desk.depth(bids=[(100, 50), (99, 50)], asks=[(101, 10)])
    high = desk.place("buy", 100, 5)
    low = desk.place("buy", "99.50", 5)
    desk.trade("sell", 99, 7)
    assert (desk.order(high).filled, desk.order(low).filled) == (D(5), D(2))
    assert [f[1] for f in desk.fills()] == [D(100), D("99.50")]


def test_a_print_through_us_reaches_only_what_it_left_for_its_own_price(desk):
    desk.depth(bids=[(98, 50)], asks=[(101, 10)])
    through = desk.place("buy", 100, 5)
    at_price = desk.place("buy", 99, 5)
    desk.trade("sell", 99, 8)
    assert (desk.order(through).filled, desk.order(at_price).filled) == (D(5), D(3))


def test_a_print_on_the_other_side_or_away_from_us_does_nothing(desk):
    desk.depth(bids=[(100, 1)], asks=[(101, 10)])
    desk.place("buy", "100.50", 5)
    desk.trade("buy", "100.50", 9)  # hits asks, not bids
    desk.trade("sell", "100.51", 9)  # better than our bid
    assert desk.fills() == []


def test_a_recorded_quote_that_reaches_us_fills_up_to_its_size(desk):
    desk.depth(bids=[(99, 10)], asks=[(102, 10)])
    order = desk.place("buy", 101, 5)
    desk.depth(asks=[("100.50", 3)])
    assert desk.fills() == [("buy", D(101), D(3), "maker")]
    assert desk.book().bids[0] == (D(101), D(2))
    assert desk.book().asks == ((D(102), D(10)),)  # what we took is gone from the published book
    desk.depth(asks=[(101, 9)])
    assert desk.order(order).status is OrderStatus.FILLED
    assert desk.book().asks == ((D(101), D(7)), (D(102), D(10)))


def test_what_we_take_lasts_until_the_levels_next_update(desk):
    desk.depth(bids=[(99, 10)], asks=[(100, 10), (101, 10)])
    desk.place("buy", 100, 4, "ioc")
    assert desk.book().asks[0] == (D(100), D(6))
    desk.depth(asks=[(101, 12)])  # another level
    desk.top(99, 10, 100, 10)  # the same statement as before: no update
    assert desk.book().asks == ((D(100), D(6)), (D(101), D(12)))
    desk.top(99, 10, 100, 9)
    assert desk.book().asks[0] == (D(100), D(9))
    desk.place("buy", 100, 9, "ioc")
    assert desk.book().asks[0] == (D(101), D(12))
    desk.depth(asks=[(100, 9)])
    assert desk.book().asks[0] == (D(100), D(9))


def test_a_stated_size_that_happens_to_equal_what_we_left_is_an_update(desk):
    desk.depth(bids=[(99, 10)], asks=[(100, 10)])
    desk.place("buy", 100, 6, "ioc")
    assert desk.book().asks == ((D(100), D(4)),)
    desk.top(99, 10, 100, 4)  # of its own accord
    assert desk.book().asks == ((D(100), D(4)),)
    desk.top(99, 10, 100, 10)  # and an update again: what we took is long over
    assert desk.book().asks == ((D(100), D(10)),)


def test_a_new_best_price_removes_better_recorded_levels(desk):
    desk.depth(bids=[(100, 1), (99, 1)], asks=[(101, 1), (102, 1)])
    desk.top("99.50", 2, 102, 3)
    assert desk.book().bids == ((D("99.50"), D(2)), (D(99), D(1)))
    assert desk.book().asks == ((D(102), D(3)),)


def test_recorded_sides_that_cross_leave_the_newer_levels(desk):
    desk.depth(bids=[(100, 1), (99, 1)], asks=[(101, 1), (103, 1)])
    desk.depth(bids=[(102, 5)])
    assert desk.book().bids[0] == (D(102), D(5))
    assert desk.book().asks == ((D(103), D(1)),)


def test_a_snapshot_replaces_the_background_and_keeps_own_orders(desk):
    desk.depth(bids=[(100, 1), (99, 1)], asks=[(101, 1)])
    desk.place("buy", 98, 3)
    desk.depth(bids=[("99.50", 4)], asks=[("100.50", 2)], snapshot=True)
    assert desk.book().bids == ((D("99.50"), D(4)), (D(98), D(3)))
    assert desk.book().asks == ((D("100.50"), D(2)),)


def test_the_print_is_published_once_with_its_whole_size(desk):
    desk.depth(bids=[(100, 2)], asks=[(101, 1)])
    desk.place("buy", "100.50", 3)
    desk.events.clear()
    desk.trade("sell", 100, 8)
    prints = [(e.price, e.size) for e in desk.events if isinstance(e, PublicTrade)]
    assert prints == [(D("100.50"), D(3)), (D(100), D(5))]
    assert [t.price for t in desk.x.recent_trades("DCT/USDT", 1)] == [D(100)]


def test_amended_orders_queue_again_unless_only_smaller(desk):
    desk.depth(bids=[(100, 10)], asks=[(101, 10)])
    order = desk.place("buy", 100, 5)
    desk.depth(bids=[(100, 20)])
    desk.x.amend("desk", "DCT/USDT", order_id=order.order_id, new_size=D(4), now_ns=desk.now)
    desk.trade("sell", 100, 11)
    assert desk.order(order).filled == D(1)  # kept its place behind 10
    desk.x.amend("desk", "DCT/USDT", order_id=order.order_id, new_size=D(6), now_ns=desk.now)
    desk.trade("sell", 100, 20)
    assert desk.order(order).filled == D(1)  # behind all 20 displayed
    desk.trade("sell", 100, 1)
    assert desk.order(order).filled == D(2)
