"""Money at stake, literal: two markets of one asset and one of another, their limits, the desk; and drift."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backtest.builders import values
from trading.backtest.drift import DriftRow, drift_rows, relative_pct
from trading.backtest.figures import fixed, plain, share
from trading.backtest.money import MarketStake, MoneyAtStake, SharedMoney, market_money, money
from trading.risk.exposure import SharedLimit

DCT = MarketStake("dct-dex", "dct", "usdt", Decimal(1000), Decimal("0.27"))
DCT_CEX = MarketStake("dct-cex", "dct", "usdt", Decimal(500), Decimal("0.28"))
GRAM = MarketStake("gram", "gram", "usdt", Decimal(100), Decimal("1.5"))


def test_one_market() -> None:
    """20 lots of 1000 from a target of 200 lots, at 0.27: 20,000 base are 5,400 quote, of which 10 % are 540."""
    found = market_money(DCT, values(q_target_lots="200", q_hard_lots="20", max_notional_per_side="1000"))
    assert found == MoneyAtStake(
        from_target_base="20000", position_base="220000", at_risk_quote="5400", loss_quote="540", position_quote="59400",
        position_loss_quote="5940", resting_side_quote="270",
    )  # fmt: skip


def test_a_short_target_and_no_price() -> None:
    unmarked = MarketStake("x", "dct", "usdt", Decimal(1000), None)
    found = market_money(unmarked, values(q_target_lots="-5", q_hard_lots="20"))
    assert (found.position_base, found.at_risk_quote, found.loss_quote) == ("25000", None, None)


def test_the_strictest_of_size_and_notional_limits_rests() -> None:
    bounded = market_money(GRAM, values(order_size_lots="10", max_notional_per_side="1200", max_order_notional="900"))
    assert bounded.resting_side_quote == "900"


def test_several_markets_together_with_the_limits_above_them() -> None:
    """dct: 20,000 + 10,000 base now, 30,000 + 10,000 proposed, the asset's limit is 35,000. Desk: 5,400 + 2,800 + 3,000 now,
    8,100 + 2,800 + 3,000 proposed, its limit 12,000."""
    before = {"dct-dex": values(), "dct-cex": values(), "gram": values()}
    after = before | {"dct-dex": values(q_hard_lots="30")}
    limits = {"dct": SharedLimit(Decimal(30_000), Decimal(35_000))}
    found = money([DCT, DCT_CEX, GRAM], before, after, limits, SharedLimit(Decimal(9_000), Decimal(12_000)), "usdt")
    (changed,) = found.markets
    assert (changed.market, changed.before.loss_quote, changed.after.loss_quote) == ("dct-dex", "540", "810")
    asset, desk = found.shared
    assert asset == SharedMoney(
        "asset:dct", "dct", "30000", "40000", "35000", "30000", "35000", loss_before="840", loss_after="980"
    )
    assert desk == SharedMoney(
        "desk", "usdt", "11200", "13900", "12000", "11200", "12000", loss_before="1120", loss_after="1200"
    )
    assert found.unmarked == ()


def test_a_missing_price_leaves_the_desk_unknown_and_says_which() -> None:
    nameless = MarketStake("gram", "gram", "usdt", Decimal(100), None)
    before = {"dct-dex": values(), "gram": values()}
    found = money([DCT, nameless], before, before | {"gram": values(q_hard_lots="30")}, {}, None, "usdt")
    assert found.unmarked == ("gram",)
    asset, desk = found.shared
    assert (asset.limits_of_markets_after, asset.limit, asset.loss_after) == ("3000", "", None)
    assert (desk.reachable_before, desk.loss_after) == (None, None)


@given(st.decimals("0.002", "1000000", places=6), st.decimals("0.000001", "100000", places=6))
def test_a_higher_limit_never_shows_less_money(lots: Decimal, mark: Decimal) -> None:
    stake = MarketStake("x", "a", "usdt", Decimal(10), mark)
    before, after = {"x": values(q_hard_lots=str(lots))}, {"x": values(q_hard_lots=str(lots * 2))}
    found = money([stake], before, after, {}, None, "usdt")
    one = found.markets[0]
    assert Decimal(one.after.at_risk_quote or 0) == 2 * Decimal(one.before.at_risk_quote or 0) > 0
    assert Decimal(found.shared[-1].reachable_after or 0) == Decimal(one.after.at_risk_quote or 0)


def test_drift_names_every_parameter_of_which_the_three_values_differ() -> None:
    then, now = values(gamma="20", kappa="5000"), values(gamma="25", kappa="5000")
    rows = drift_rows(then, now, values(gamma="25", kappa="4500"))
    assert rows == (
        DriftRow("gamma", "1/lot, relative to price", "20", "25", "25", "25", "25"),
        DriftRow("kappa", "1/price fraction", "5000", "5000", "4500", "0", "-10"),
    )
    assert drift_rows(then, then, then) == ()


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [("0", "0", "0"), ("0", "1", None), ("-10", "-5", "50"), ("3", "4", "33.33"), ("4", "3", "-25")],
)
def test_relative_changes(then: str, now: str, expected: str | None) -> None:
    assert relative_pct(Decimal(then), Decimal(now)) == expected


def test_numbers_have_one_spelling() -> None:
    assert (fixed(-0.00001, 4), fixed(1.23456, 4), share(1, 3), share(0, 0)) == ("0.0000", "1.2346", "0.3333", "0.0000")
    assert [plain(Decimal(text)) for text in ("1.500", "1E+3", "-0.0", "100", "0.27000")] == [
        "1.5",
        "1000",
        "0",
        "100",
        "0.27",
    ]
