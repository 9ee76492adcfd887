"""Orders against orders and against background levels; expected values worked out by hand."""

from decimal import Decimal as D

import pytest

from trading.sandbox.types import BookDelta, Fill, Order, OrderStatus, PublicTrade, Reject, RejectCode


def test_price_then_time_priority(desk):
    first = desk.place("sell", "100.00", 5, account="desk")
    second = desk.place("sell", "100.00", 5, account="desk")
    better = desk.place("sell", "99.99", 5, account="desk")
    taker = desk.place("buy", "100.00", 12, account="other")
    assert taker.status is OrderStatus.FILLED
    assert desk.order(better).status is OrderStatus.FILLED
    assert desk.order(first).status is OrderStatus.FILLED
    assert (desk.order(second).filled, desk.order(second).remaining) == (D(2), D(3))
    assert [(f.price, f.size, f.liquidity) for f in desk.x.fills("other")] == [
        (D("99.99"), D(5), "taker"),
        (D("100.00"), D(5), "taker"),
        (D("100.00"), D(2), "taker"),
    ]
    # (99.99 × 5 + 100 × 7) / 12
    assert taker.avg_price == D("99.995833333333")


def test_limit_order_takes_then_rests(desk):
    desk.depth(bids=[(99, 10)], asks=[("100.00", 4), ("100.01", 6)])
    order = desk.place("buy", "100.00", 10)
    assert (order.status, order.filled, order.remaining) == (OrderStatus.PARTIALLY_FILLED, D(4), D(6))
    assert desk.book().bids[0] == (D("100.00"), D(6))
    assert desk.book().asks == ((D("100.01"), D(6)),)


def test_ioc_takes_what_is_there_and_is_gone(desk):
    desk.depth(bids=[(99, 10)], asks=[("100.00", 4), ("100.05", 6)])
    order = desk.place("buy", "100.00", 10, "ioc")
    assert (order.status, order.filled, order.cancel_reason) == (OrderStatus.CANCELLED, D(4), "ioc")
    assert desk.x.open_orders("desk") == []
    assert desk.balance("USDT") == (D(100000) - D(400) - D("0.8"), D(0))
    nothing = desk.place("buy", "99.50", 10, "ioc")
    assert (nothing.status, nothing.filled, nothing.avg_price) == (OrderStatus.CANCELLED, D(0), None)


def test_post_only_is_tested_on_the_merged_book(desk):
    desk.depth(bids=[(99, 10)], asks=[(101, 10)])
    desk.place("sell", "100.00", 5, account="other")  # inside the recorded spread
    with pytest.raises(Reject) as refused:
        desk.place("buy", "100.00", 5, "post_only")
    assert refused.value.code is RejectCode.POST_ONLY_WOULD_TAKE
    assert desk.place("buy", "99.99", 5, "post_only").status is OrderStatus.OPEN


def test_self_trade_is_refused_whole(desk):
    desk.place("sell", "100.01", 5, account="desk")
    desk.place("sell", "100.00", 5, account="other")
    before = desk.everything()
    with pytest.raises(Reject) as refused:
        desk.place("buy", "100.01", 6)  # 5 from the other account, then its own
    assert refused.value.code is RejectCode.SELF_TRADE
    assert desk.everything() == before
    assert desk.place("buy", "100.01", 5).status is OrderStatus.FILLED  # stops before its own order


def test_taker_meets_background_and_own_orders_in_time_order(desk):
    desk.depth(bids=[(90, 1)], asks=[(100, 10)])
    own = desk.place("sell", 100, 5)  # behind 10
    desk.depth(asks=[(100, 14)])  # 4 joined behind us
    taker = desk.place("buy", 100, 12, account="other")
    assert taker.filled == D(12)
    assert desk.order(own).filled == D(2)
    assert desk.book().asks == ((D(100), D(7)),)  # own 3, background 4
    desk.place("buy", 100, 3, account="other")
    assert desk.order(own).status is OrderStatus.FILLED
    assert desk.book().asks == ((D(100), D(4)),)


def test_events_in_order_after_a_fill(desk):
    desk.depth(bids=[(90, 1)])
    maker = desk.place("sell", 100, 5)
    desk.events.clear()
    taker = desk.place("buy", 100, 5, account="other")
    kinds = [type(event) for event in desk.events]
    assert kinds == [PublicTrade, Fill, Fill, Order, Order, BookDelta]
    trade, buy, sell, _, last, delta = desk.events
    assert trade.trade_id == buy.trade_id == sell.trade_id
    assert (buy.order_id, sell.order_id, last) == (taker.order_id, maker.order_id, taker)
    assert (delta.bids, delta.asks) == ((), ((D(100), D(0)),))
    assert delta.seq == delta.prev_seq + 1


def test_cancel_and_what_it_answers_later(desk):
    order = desk.place("buy", 100, 5)
    cancelled = desk.x.cancel("desk", "DCT/USDT", client_order_id=order.client_order_id, now_ns=desk.now)
    assert (cancelled.status, cancelled.cancel_reason, cancelled.remaining) == (OrderStatus.CANCELLED, "user", D(0))
    assert desk.balance("USDT") == (D(100000), D(0))
    for cid, code in ((order.client_order_id, RejectCode.ORDER_ALREADY_DONE), ("nope", RejectCode.UNKNOWN_ORDER)):
        with pytest.raises(Reject) as refused:
            desk.x.cancel("desk", "DCT/USDT", client_order_id=cid, now_ns=desk.now)
        assert refused.value.code is code
    with pytest.raises(Reject) as refused:
        desk.x.cancel("other", "DCT/USDT", order_id=order.order_id, now_ns=desk.now)
    assert refused.value.code is RejectCode.UNKNOWN_ORDER


def test_cancel_all_is_the_accounts_own(desk):
    mine = [desk.place("buy", 100, 5), desk.place("sell", 101, 5)]
    theirs = desk.place("buy", 99, 5, account="other")
    assert [o.order_id for o in desk.x.cancel_all("desk", None, desk.now)] == [o.order_id for o in mine]
    assert desk.x.open_orders("other") == [theirs]
    assert desk.x.cancel_all("desk", "DCT/USDT", desk.now) == []


def test_history_pages_by_sequence(desk):
    ids = [desk.place("buy", 90 + n, 1).order_id for n in range(5)]
    page = desk.x.order_history("desk", limit=2)
    assert [o.order_id for o in page] == ids[:2]
    assert [o.order_id for o in desk.x.order_history("desk", after_seq=int(ids[1]))] == ids[2:]
    desk.place("sell", 90, 5, account="other")
    fills = desk.x.fills("desk", limit=3)
    assert [f.price for f in fills] == [D(94), D(93), D(92)]
    assert [f.price for f in desk.x.fills("desk", after_seq=fills[-1].seq)] == [D(91), D(90)]
    assert [f.price for f in desk.x.fills("desk", order_id=ids[0])] == [D(90)]
    assert desk.x.fills("desk", since_ns=desk.now + 1) == []
