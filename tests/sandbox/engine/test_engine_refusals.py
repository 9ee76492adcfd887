"""Every refusal names its code and changes nothing."""

from decimal import Decimal as D

import pytest

from trading.sandbox.types import OrderType, PlaceOrder, Reject, RejectCode, Side


def wanted(**changes):
    values = {
        "symbol": "DCT/USDT",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "price": D(100),
        "size": D(10),
        "client_order_id": "fresh",
        "deadline_ns": None,
    }
    return PlaceOrder(**{**values, **changes})


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (RejectCode.UNKNOWN_SYMBOL, {"symbol": "XYZ/USDT"}),
        (RejectCode.BAD_PRICE_TICK, {"price": D("100.001")}),
        (RejectCode.BAD_PRICE_TICK, {"price": D(0)}),
        (RejectCode.BAD_PRICE_TICK, {"price": D(-100)}),
        (RejectCode.BAD_PRICE_TICK, {"price": D("NaN")}),
        (RejectCode.BAD_PRICE_TICK, {"price": D("sNaN")}),
        (RejectCode.BAD_PRICE_TICK, {"price": D("1e400")}),
        (RejectCode.BAD_SIZE_STEP, {"size": D("1.05")}),
        (RejectCode.BAD_SIZE_STEP, {"size": D("Infinity")}),
        (RejectCode.BAD_SIZE_STEP, {"size": D(0)}),
        (RejectCode.BELOW_MINIMUM, {"size": D("0.9")}),
        (RejectCode.OUTSIDE_PRICE_BAND, {"price": D("120.01")}),
        (RejectCode.OUTSIDE_PRICE_BAND, {"price": D("79.99")}),
        (RejectCode.POST_ONLY_WOULD_TAKE, {"type": OrderType.POST_ONLY, "price": D(101)}),
        (RejectCode.INSUFFICIENT_BALANCE, {"size": D(1000)}),
        (RejectCode.INSUFFICIENT_BALANCE, {"side": Side.SELL, "price": D(101), "size": D(1001)}),
        (RejectCode.DUPLICATE_CLIENT_ORDER_ID, {"client_order_id": "resting"}),
        (RejectCode.DUPLICATE_CLIENT_ORDER_ID, {"client_order_id": "done"}),
        (RejectCode.BAD_CLIENT_ORDER_ID, {"client_order_id": ""}),
        (RejectCode.BAD_CLIENT_ORDER_ID, {"client_order_id": "a" * 37}),
        (RejectCode.BAD_CLIENT_ORDER_ID, {"client_order_id": "über\n"}),
        (RejectCode.BAD_CLIENT_ORDER_ID, {"client_order_id": "good\n"}),
        (RejectCode.DEADLINE_PASSED, {"deadline_ns": 999_999_999}),
        (RejectCode.SELF_TRADE, {"side": Side.SELL, "price": D("99.50")}),
    ],
)
def test_refused_order_changes_nothing(desk, code, changes):
    desk.depth(bids=[(99, 10)], asks=[(101, 10), (102, 10)])  # mid 100, band 80 to 120
    desk.place("buy", "100.00", 5, cid="resting")  # merged best bid 100
    done = desk.place("buy", 90, 1, cid="done")
    desk.x.cancel("desk", "DCT/USDT", order_id=done.order_id, now_ns=desk.now)
    before = desk.everything()
    with pytest.raises(Reject) as refused:
        desk.x.place("desk", wanted(**changes), desk.now)
    assert refused.value.code is code
    assert desk.everything() == before


def test_a_deadline_of_this_very_instant_still_holds(desk):
    assert desk.place("buy", 100, 5, deadline_ns=desk.now).price == D(100)


def test_minimum_notional(make_desk):
    desk = make_desk(min_notional=D(500))
    desk.fund()
    with pytest.raises(Reject) as refused:
        desk.place("buy", 100, "4.9")
    assert refused.value.code is RejectCode.BELOW_MINIMUM
    desk.place("buy", 100, 5)


def test_client_order_ids_are_each_accounts_own(desk):
    desk.place("buy", 100, 5, cid="same", account="desk")
    desk.place("buy", 100, 5, cid="same", account="other")


@pytest.mark.parametrize("account", ["", "house:market", "house:fees"])
def test_house_accounts_take_no_requests(desk, account):
    for request in (
        lambda: desk.place("buy", 100, 5, account=account),
        lambda: desk.x.deposit(account, "USDT", D(1), desk.now),
        lambda: desk.x.cancel_after(account, 1, desk.now),
    ):
        with pytest.raises(Reject) as refused:
            request()
        assert refused.value.code is RejectCode.BAD_REQUEST


@pytest.mark.parametrize("amount", ["0", "NaN", "Infinity", "0.0000000000001", "1e30"])
def test_bad_transfer_amounts(desk, amount):
    before = desk.everything()
    with pytest.raises(Reject):
        desk.x.deposit("desk", "USDT", D(amount), desk.now)
    assert desk.everything() == before


@pytest.mark.parametrize(("price", "size"), [("NaN", "1"), ("-1", "1"), ("100", "-1"), ("0", "1"), ("100", "Infinity")])
def test_malformed_record_events_are_refused_whole(desk, price, size):
    desk.depth(bids=[(99, 10)], asks=[(101, 10)])
    before = desk.everything()
    for act in (lambda: desk.depth(bids=[(98, 1), (price, size)]), lambda: desk.trade("buy", price, size)):
        with pytest.raises(Reject) as refused:
            act()
        assert refused.value.code is RejectCode.BAD_REQUEST
    assert desk.everything() == before


def test_order_lookup_needs_an_id_and_takes_any_text(desk):
    with pytest.raises(Reject):
        desk.x.order("desk")
    for odd in ("", "x", "-1", "٣", "9" * 30, "\ud800", "1; drop table orders"):
        assert desk.x.order("desk", order_id=odd) is None
        assert desk.x.order("desk", client_order_id=odd) is None
        assert desk.x.fills("desk", order_id=odd) == []
    for number in (-(10**30), 10**30):
        assert desk.x.fills("desk", after_seq=number, limit=number, since_ns=number) == []
        assert desk.x.order_history("desk", after_seq=number, limit=number) == []
