"""Perpetuals: what fills settle, what margin is in use, what is refused for want of it."""

from decimal import Decimal as D

import pytest

from trading.sandbox.contracts import Holding, after_fill, funding_amount, margin_in_use
from trading.sandbox.types import Fill, Order, Position, Reject, RejectCode, Side

from .conftest import PERPETUAL

SYMBOL = "ETH/USDT:USDT"


def position(perp, account="desk"):
    (found,) = perp.x.positions(account)
    return found


def filled(perp, side, price, size, account="desk"):
    """A resting order that the recorded market fills whole."""
    order = perp.place(side, price, size, account=account)
    perp.trade("sell" if side == "buy" else "buy", price, size)
    assert perp.order(order).filled == D(size)
    return perp.x.fills(account)[-1]


def test_a_position_opens_grows_closes_in_part_turns_and_ends(perp):
    opened = filled(perp, "buy", "2000.00", "10")
    assert (opened.fee, opened.fee_asset, opened.realised_pnl) == (D("0.16"), "USDT", 0)  # 2000 × 10 × 0.1 × 0.00008
    assert (position(perp).size, position(perp).entry_price) == (D(10), D(2000))
    grown = filled(perp, "buy", "2030.00", "5")
    assert (grown.fee, grown.realised_pnl) == (D("0.0812"), 0)
    assert position(perp).entry_price == D(2010)  # (10 × 2000 + 5 × 2030) / 15
    closed = filled(perp, "sell", "2050.00", "6")
    assert (closed.fee, closed.realised_pnl) == (D("0.0984"), D(24))  # 6 × 0.1 × (2050 − 2010)
    assert (position(perp).size, position(perp).entry_price) == (D(9), D(2010))
    turned = filled(perp, "sell", "1990.00", "12")
    assert (turned.fee, turned.realised_pnl) == (D("0.19104"), D(-18))  # 9 × 0.1 × (1990 − 2010)
    assert (position(perp).size, position(perp).entry_price) == (D(-3), D(1990))
    ended = filled(perp, "buy", "2000.00", "3")
    assert (ended.fee, ended.realised_pnl) == (D("0.048"), D(-3))  # short: −0.3 × (2000 − 1990)
    flat = position(perp)
    assert (flat.size, flat.entry_price, flat.realised_pnl, flat.initial_margin) == (0, None, D(3), 0)
    # 10,000 + 24 − 18 − 3 − (0.16 + 0.0812 + 0.0984 + 0.19104 + 0.048)
    assert perp.balance("USDT") == (D("10002.42136"), D(0))
    assert perp.balance("ETH") == (D(0), D(0))
    assert perp.x.asset_totals()["USDT"] == D(20_000)


def test_a_taker_pays_the_taker_fee_on_the_contracts_value(perp):
    perp.depth(bids=[("1999.00", 5)], asks=[("2001.00", 5)])
    perp.place("buy", "2001.00", 3, "ioc")
    (fill,) = perp.x.fills("desk")
    assert (fill.liquidity, fill.fee) == ("taker", D("0.30015"))  # 2001 × 3 × 0.1 × 0.0005


def test_two_accounts_trade_with_each_other(perp):
    perp.place("buy", "2000.00", 4, account="other")
    perp.place("sell", "2000.00", 4)
    assert (position(perp).size, position(perp, "other").size) == (D(-4), D(4))
    perp.place("sell", "2100.00", 4, account="other")
    perp.place("buy", "2100.00", 4)
    assert (position(perp).realised_pnl, position(perp, "other").realised_pnl) == (D(-40), D(40))
    assert perp.x.asset_totals()["USDT"] == D(20_000)


def test_the_average_entry_keeps_18_decimals_and_settles_8(perp):
    filled(perp, "buy", "2000.00", "1")
    filled(perp, "buy", "2000.01", "2")
    assert position(perp).entry_price == D("2000.006666666666666667")
    assert filled(perp, "sell", "2000.00", "1").realised_pnl == D("-0.00066667")


@pytest.mark.parametrize(
    ("entry", "settled"),
    [
        ("2000.000005", "0"),
        ("1999.999985", "0.00000002"),
        ("1999.999975", "0.00000002"),
        ("2000.000015", "-0.00000002"),
    ],
)
def test_settlement_is_rounded_half_to_even(entry, settled):
    # 0.01 contracts × 0.1 × (2000 − entry): ±5e-9, 1.5e-8, 2.5e-8, −1.5e-8
    held = Holding(D("0.01"), D(entry), D(0), 0)
    after, realised = after_fill(held, PERPETUAL, Side.SELL, D(2000), D("0.01"), 7)
    assert realised == D(settled)
    assert (after.size, after.entry_price, after.updated_ns) == (0, 0, 7)


def test_the_mark_is_the_recorded_mid_and_shows_unrealised_pnl(perp):
    filled(perp, "sell", "2000.00", "10")
    assert (position(perp).mark_price, position(perp).unrealised_pnl) == (None, 0)
    perp.depth(bids=[("1990.00", 5)], asks=[("1990.01", 5)])
    perp.place("buy", "1990.00", 1, account="other")
    assert (position(perp).mark_price, position(perp).unrealised_pnl) == (D("1990.005"), D("9.995"))
    assert perp.x.mark_price(SYMBOL) == D("1990.005")
    assert perp.balance("USDT")[0] == D("9999.84")  # settled cash only: the fee of 0.16


def test_margin_in_use_is_the_positions_and_the_heavier_sides(perp):
    perp.place("buy", "2000.00", 10)  # 2,000 of notional × (0.2 + 0.0005)
    assert perp.balance("USDT")[1] == D("401")
    perp.place("sell", "2100.00", 10)  # 2,100: the heavier side alone counts
    assert perp.balance("USDT")[1] == D("421.05")
    perp.trade("sell", "2000.00", 10)
    assert (position(perp).initial_margin, perp.balance("USDT")[1]) == (D(400), D(400))  # the sell only closes
    perp.place("sell", "2200.00", 30)  # 40 to sell, 30 of them open: 8,700 × 30/40 × 0.2005
    assert perp.balance("USDT")[1] == D("1708.2625")
    perp.x.cancel_all("desk", None, perp.now)
    assert perp.balance("USDT")[1] == D(400)


def test_margin_is_rounded_up_to_8_decimals():
    assert margin_in_use(Holding(D("0.01"), D("2000.000000000000000001")), PERPETUAL, []) == D("0.40000001")
    assert margin_in_use(Holding(D("0.01"), D(2000)), PERPETUAL, []) == D("0.4")


def test_what_raises_margin_beyond_the_free_balance_is_refused(perp):
    order = perp.place("buy", "2000.00", 200)  # 8,020 of 10,000
    for act in (
        lambda: perp.place("buy", "2000.00", "49.38"),  # 1,980.138 more
        lambda: perp.x.amend("desk", SYMBOL, order_id=order.order_id, new_size=D("249.38"), now_ns=perp.now),
        lambda: perp.x.amend("desk", SYMBOL, order_id=order.order_id, new_price=D("2494.00"), now_ns=perp.now),
        lambda: perp.place("sell", "2500.00", 200),  # 10,025
    ):
        before = perp.everything()
        with pytest.raises(Reject) as refused:
            act()
        assert refused.value.code is RejectCode.INSUFFICIENT_MARGIN
        assert perp.everything() == before
    perp.place("buy", "2000.00", "49.37")  # 1,979.737
    assert perp.balance("USDT")[1] == D("9999.737")
    perp.place("sell", "2000.01", "249.37")  # the other side, heavier by 0.24937 of notional
    with pytest.raises(Reject) as refused:
        perp.x.deposit("desk", "USDT", D(-1), perp.now)
    assert refused.value.code is RejectCode.INSUFFICIENT_BALANCE


def test_after_losses_what_does_not_raise_margin_passes_and_what_raises_it_does_not(perp):
    filled(perp, "buy", "2000.00", "240")  # margin 9,600
    filled(perp, "sell", "1600.00", "60")  # loses 60 × 0.1 × 400 = 2,400: margin 7,200 of 7,592
    filled(perp, "sell", "1600.00", "60")  # margin 4,800 of 5,188
    filled(perp, "sell", "1000.00", "30")  # loses 3,000: margin 3,600 of 2,186
    total, held = perp.balance("USDT")
    assert total < held
    order = perp.place("sell", "1000.00", 90)  # closes
    perp.x.amend("desk", SYMBOL, order_id=order.order_id, new_price=D("999.00"), now_ns=perp.now)
    with pytest.raises(Reject) as refused:
        perp.place("sell", "1001.00", "0.01")  # would open
    assert refused.value.code is RejectCode.INSUFFICIENT_MARGIN
    perp.trade("buy", "999.00", 90)
    assert (position(perp).size, perp.balance("USDT")[1]) == (0, 0)


def test_a_fill_is_told_before_its_position_and_its_order(perp):
    perp.place("buy", "2000.00", 2)
    perp.events.clear()
    perp.trade("sell", "2000.00", 2)
    told = [event for event in perp.events if isinstance(event, (Fill, Position, Order))]
    assert [type(event) for event in told] == [Fill, Position, Order]
    assert (told[1].account, told[1].size, told[1].entry_price) == ("desk", D(2), D(2000))


def test_spot_fills_realise_nothing_and_leave_no_position(desk):
    desk.place("buy", 100, 5)
    desk.trade("sell", 100, 5)
    assert desk.last_fill().realised_pnl is None
    assert desk.x.positions("desk") == []
    for ask in (desk.x.mark_price, lambda symbol: desk.x.funding_rate(symbol, desk.now)):
        with pytest.raises(Reject) as refused:
            ask("DCT/USDT")
        assert refused.value.code is RejectCode.BAD_REQUEST


def test_funding_amount_is_rounded_half_to_even():
    assert funding_amount(D("0.01"), PERPETUAL, D(2000), D("0.0000000025")) == D("-0.00000000")
    assert funding_amount(D("0.01"), PERPETUAL, D(2000), D("0.0000000075")) == D("-0.00000002")
    assert str(funding_amount(D("0.01"), PERPETUAL, D(2000), D("0.0000000025"))) == "0"
