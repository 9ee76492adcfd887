"""Money: fees in both modes, holds, their release, transfers. Worked out by hand."""

from decimal import Decimal as D

import pytest

from trading.sandbox.types import FeeMode, Reject, RejectCode


def test_bid_holds_notional_and_largest_fee_and_releases_both(desk):
    order = desk.place("buy", 100, 10)
    assert desk.balance("USDT") == (D(100000), D(1002))  # 1000 + 0.2 %
    desk.trade("sell", 100, 4)  # maker fee 0.1 % of 400
    assert desk.balance("USDT") == (D("99599.6"), D("601.2"))  # 6 × 100 + 0.2 %
    assert desk.balance("DCT") == (D(1004), D(0))
    desk.x.cancel("desk", "DCT/USDT", order_id=order.order_id, now_ns=desk.now)
    assert desk.balance("USDT") == (D("99599.6"), D(0))


def test_price_improvement_is_released(desk):
    desk.depth(bids=[(90, 1)], asks=[(98, 4)])
    desk.place("buy", 100, 10)
    # 4 × 98 + 0.2 % of 392 paid; 6 rest at 100: 600 + 1.2 held
    assert desk.balance("USDT") == (D(100000) - D(392) - D("0.784"), D("601.2"))
    assert (desk.last_fill().fee, desk.last_fill().fee_asset) == (D("0.784"), "USDT")


def test_seller_pays_the_quote_fee_from_the_proceeds(desk):
    desk.place("sell", 100, 10)
    assert desk.balance("DCT") == (D(1000), D(10))
    desk.trade("buy", 101, 3)
    assert desk.balance("DCT") == (D(997), D(7))
    assert desk.balance("USDT") == (D(100000) + D(300) - D("0.3"), D(0))
    assert desk.balance("USDT", "house:fees") == (D("0.3"), D(0))
    assert desk.balance("USDT", "house:market") == (D(-300), D(0))


def test_fee_in_the_received_asset(make_desk):
    desk = make_desk(fee_mode=FeeMode.RECEIVED)
    desk.fund("desk")
    desk.fund("other")
    desk.place("buy", 100, 10)
    assert desk.balance("USDT") == (D(100000), D(1000))  # no fee held
    desk.place("sell", 100, 10, account="other")
    bought, sold = desk.last_fill("desk"), desk.last_fill("other")
    assert (bought.fee, bought.fee_asset, bought.liquidity) == (D("0.01"), "DCT", "maker")
    assert (sold.fee, sold.fee_asset, sold.liquidity) == (D(2), "USDT", "taker")
    assert desk.balance("DCT") == (D("1009.99"), D(0))
    assert desk.balance("USDT", "other") == (D(100998), D(0))
    assert desk.x.asset_totals() == {"DCT": D(2000), "USDT": D(200000)}


def test_maker_rebate(make_desk):
    desk = make_desk(maker_fee=D("-0.0005"))
    desk.fund("desk")
    desk.place("buy", 100, 10)
    assert desk.balance("USDT") == (D(100000), D(1002))
    desk.trade("sell", 100, 10)
    assert desk.last_fill().fee == D("-0.5")
    assert desk.balance("USDT") == (D("99000.5"), D(0))


def test_balance_must_cover_price_size_and_fee(make_desk):
    desk = make_desk()
    desk.fund("desk", base="5", quote="1001.9")
    with pytest.raises(Reject) as refused:
        desk.place("buy", 100, 10)
    assert refused.value.code is RejectCode.INSUFFICIENT_BALANCE
    desk.x.deposit("desk", "USDT", D("0.1"), desk.now)
    desk.place("buy", 100, 10)
    with pytest.raises(Reject) as refused:
        desk.place("sell", 101, "5.1")
    assert refused.value.code is RejectCode.INSUFFICIENT_BALANCE


def test_transfer_is_booked_once_and_a_withdrawal_needs_free_balance(desk):
    first = desk.x.deposit("desk", "USDT", D(7), desk.now, "t-1")
    assert desk.x.deposit("desk", "USDT", D(7), desk.now + 5, "t-1") == first
    assert desk.balance("USDT") == (D(100007), D(0))
    with pytest.raises(Reject):
        desk.x.deposit("desk", "USDT", D(8), desk.now, "t-1")
    desk.place("buy", 100, 10)
    with pytest.raises(Reject) as refused:
        desk.x.deposit("desk", "USDT", D("-99006"), desk.now)
    assert refused.value.code is RejectCode.INSUFFICIENT_BALANCE
    desk.x.deposit("desk", "USDT", D("-99005"), desk.now)
    assert desk.balance("USDT") == (D(1002), D(1002))
    assert [t.amount for t in desk.x.transfers("desk")] == [D(1000), D(100000), D(7), D(-99005)]


def test_export_is_plain_json(desk):
    desk.place("buy", "100.10", "2.5", cid="mine")
    desk.trade("sell", "100.10", 1)
    export = desk.x.export("desk")
    (order,) = export["orders"]
    assert (order["client_order_id"], order["price"], order["filled"]) == ("mine", "100.10", "1")
    assert order["status"] == "partially_filled"
    (fill,) = export["fills"]
    assert (fill["fee"], fill["fee_asset"], fill["side"]) == ("0.10010", "USDT", "buy")
    assert len(export["transfers"]) == 2
    by_asset = {row["asset"]: row for row in export["balances"]}
    assert D(by_asset["USDT"]["held"]) == D("150.4503")  # 1.5 × 100.10 × 1.002
