"""Amendments, the cancel-after timer."""

from decimal import Decimal as D

import pytest

from trading.sandbox.types import OrderStatus, Reject, RejectCode

S = 1_000_000_000


def amend(desk, order, **changes):
    return desk.x.amend("desk", "DCT/USDT", order_id=order.order_id, now_ns=desk.now, **changes)


def test_smaller_size_keeps_its_place_larger_or_moved_loses_it(desk):
    first = desk.place("buy", 100, 5)
    second = desk.place("buy", 100, 5)
    third = desk.place("buy", 100, 5)
    amend(desk, first, new_size=D(3))  # keeps
    amend(desk, second, new_size=D(6))  # to the back
    desk.trade("sell", 100, 4)
    assert [desk.order(o).filled for o in (first, second, third)] == [D(3), D(0), D(1)]
    amend(desk, third, new_price=D("99.99"))
    amend(desk, third, new_price=D(100))  # there and back: behind second
    desk.trade("sell", 100, 6)
    assert [desk.order(o).filled for o in (second, third)] == [D(6), D(1)]


def test_amended_hold(desk):
    order = desk.place("buy", 100, 10)
    assert amend(desk, order, new_price=D(99), new_size=D(20)).order_id == order.order_id
    assert desk.balance("USDT") == (D(100000), D("1983.96"))  # 20 × 99 × 1.002
    desk.trade("sell", 99, 5)
    amend(desk, order, new_size=D(6))  # total, 5 of them filled
    assert desk.balance("USDT")[1] == D("99.198")
    assert desk.order(order).remaining == D(1)


def test_amending_into_the_book_trades_or_is_refused_when_post_only(desk):
    desk.depth(bids=[(99, 10)], asks=[(101, 4)])
    maker = desk.place("buy", 100, 5, "post_only")
    before = desk.everything()
    with pytest.raises(Reject) as refused:
        amend(desk, maker, new_price=D(101))
    assert refused.value.code is RejectCode.POST_ONLY_WOULD_TAKE
    assert desk.everything() == before
    limit = desk.place("buy", 100, 5)
    changed = amend(desk, limit, new_price=D(101))
    assert (changed.filled, changed.status) == (D(4), OrderStatus.PARTIALLY_FILLED)
    assert desk.last_fill().liquidity == "taker"
    assert desk.book().bids[0] == (D(101), D(1))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (RejectCode.NOTHING_TO_AMEND, {}),
        (RejectCode.NOTHING_TO_AMEND, {"new_price": D("100.0"), "new_size": D(10)}),
        (RejectCode.BAD_PRICE_TICK, {"new_price": D("100.001")}),
        (RejectCode.BAD_PRICE_TICK, {"new_price": D("sNaN")}),
        (RejectCode.BAD_SIZE_STEP, {"new_size": D("sNaN")}),
        (RejectCode.BAD_SIZE_STEP, {"new_size": D("5.55")}),
        (RejectCode.BELOW_MINIMUM, {"new_size": D("0.5")}),
        (RejectCode.BAD_REQUEST, {"new_size": D(4)}),
        (RejectCode.OUTSIDE_PRICE_BAND, {"new_price": D(60)}),
        (RejectCode.INSUFFICIENT_BALANCE, {"new_size": D(2000)}),
        (RejectCode.SELF_TRADE, {"new_price": D("101.50")}),
        (RejectCode.DEADLINE_PASSED, {"new_size": D(8), "deadline_ns": 1}),
    ],
)
def test_refused_amendment_changes_nothing(desk, code, changes):
    desk.depth(bids=[(99, 10)], asks=[(103, 10)])
    order = desk.place("buy", 100, 10)
    desk.place("sell", "101.50", 5)
    desk.trade("sell", 100, 4)
    before = desk.everything()
    with pytest.raises(Reject) as refused:
        amend(desk, order, **changes)
    assert refused.value.code is code
    assert desk.everything() == before


def test_a_done_order_cannot_be_amended(desk):
    order = desk.place("buy", 100, 5)
    desk.trade("sell", 100, 5)
    with pytest.raises(Reject) as refused:
        amend(desk, order, new_size=D(3))
    assert refused.value.code is RejectCode.ORDER_ALREADY_DONE


def test_cancel_after_fires_once_for_its_account(desk):
    mine = [desk.place("buy", 100, 5), desk.place("sell", 101, 5)]
    theirs = desk.place("buy", 99, 5, account="other")
    due = desk.x.cancel_after("desk", 10, desk.now)
    assert due == desk.now + 10 * S
    desk.x.advance(due - 1)
    assert len(desk.x.open_orders("desk")) == 2
    desk.x.advance(due)
    assert [desk.order(o).cancel_reason for o in mine] == ["cancel_after", "cancel_after"]
    assert desk.x.open_orders("other") == [theirs]
    assert desk.balance("USDT") == (D(100000), D(0))
    later = desk.place("buy", 100, 5)
    desk.x.advance(due + 60 * S)
    assert desk.order(later).status is OrderStatus.OPEN


@pytest.mark.parametrize("disarm", [0, None])
def test_cancel_after_is_rearmed_and_disarmed(desk, disarm):
    order = desk.place("buy", 100, 5)
    desk.x.cancel_after("desk", 10, desk.now)
    desk.x.cancel_after("desk", 20, desk.now)
    desk.x.advance(desk.now + 15 * S)
    assert desk.order(order).status is OrderStatus.OPEN
    assert desk.x.cancel_after("desk", disarm, desk.now) is None
    desk.x.advance(desk.now + 100 * S)
    assert desk.order(order).status is OrderStatus.OPEN


@pytest.mark.parametrize("timeout", [-1, 86_401, float("nan")])
def test_cancel_after_bounds(desk, timeout):
    with pytest.raises(Reject):
        desk.x.cancel_after("desk", timeout, desk.now)
