"""Free margin of a perpetual: worked by hand, and against the venue that decides about it."""

from __future__ import annotations

from decimal import ROUND_DOWN
from decimal import Decimal as D

import pytest

from tests.venues.stage import Stage, staged
from trading.hot_state.values import HotBalance, HotBalances, HotOrder
from trading.quoting.funds import MarginTerms, usable_margin
from trading.strategy.quote_types import Balances
from trading.venues.interface import RejectReason, Side, TimeInForce, VenueRejected

NOW_NS = 1_800_000_000_000_000_000
TERMS = MarginTerms("usdt", D("0.2"), D("0.0005"))


def held(total: str, free: str, read_ns: int = NOW_NS) -> HotBalances:
    return HotBalances("cex-desk", read_ns, {"usdt": HotBalance(D(total), D(free))})


def resting(side: str, price: str, size: str, filled: str = "0", gone_ns: int = 0) -> HotOrder:
    return HotOrder(
        client_order_id=f"{side}{price}", venue_order_id="v", side=side, level=0, epoch=1, price=D(price),
        size=D(size), filled=D(filled), status="LIVE", deadline_ns=0, updated_ns=0, gone_ns=gone_ns,
    )  # fmt: skip


def usable(free: str, position: str = "0", orders: tuple[HotOrder, ...] = (), total: str = "10000") -> Balances:
    return usable_margin(TERMS, held(total, free), orders, D(position), 2000.0, NOW_NS)


def test_each_side_may_open_what_the_free_margin_covers() -> None:
    flat = usable("10000")
    # 10000 / 0.2005 in quote, at 2000 in base.
    assert flat.quote == D(10000) / D("0.2005")
    assert flat.base == D(10000) / D("0.2005") / 2000


def test_what_closes_needs_no_margin() -> None:
    assert usable("0", "3") == Balances(base=D(3), quote=D(0))
    assert usable("0", "-3") == Balances(base=D(0), quote=D(6000))
    # Losses made it negative: closing goes on, opening does not.
    assert usable("-500", "3") == Balances(base=D(3), quote=D(0))


def test_what_our_own_orders_hold_counts_in_the_larger_side_only() -> None:
    orders = (resting("buy", "1990", "2"), resting("sell", "2010", "1"), resting("buy", "1900", "9", gone_ns=5))
    # 2 * 1990 * 0.2005 of margin are held by the bids.
    assert usable(str(10000 - D("797.99")), "0", orders) == usable("10000")
    # Short 2: the bids close it and hold nothing; the ask of 1 holds 2010 * 0.2005.
    assert usable(str(9000 - D("403.005")), "-2", orders) == usable("9000", "-2")
    # Short 1: half of the bids opens, 1990 * 0.2005, less than the ask.
    assert usable(str(9000 - D("403.005")), "-1", orders) == usable("9000", "-1")
    assert usable(str(9000 - D("398.995")), "-1", orders[:1]) == usable("9000", "-1")
    partly = (resting("buy", "1990", "3", filled="1"),)
    assert usable(str(9000 - D("797.99")), "0", partly) == usable("9000")
    # Never more than there is.
    assert usable("10000", "0", orders) == usable("10000")


def test_what_is_not_known_covers_nothing() -> None:
    unknown = Balances(None, None)
    assert usable_margin(TERMS, None, (), D(0), 2000.0, NOW_NS) == unknown
    assert usable_margin(TERMS, held("1", "1", NOW_NS - 16 * 10**9), (), D(0), 2000.0, NOW_NS) == unknown
    assert usable_margin(MarginTerms("usdt", None, D(0)), held("1", "1"), (), D(0), 2000.0, NOW_NS) == unknown
    for reference in (0.0, -1.0, float("nan"), float("inf")):
        assert usable_margin(TERMS, held("1", "1"), (), D(0), reference, NOW_NS) == unknown


async def told(stage: Stage, position: D) -> Balances:
    info = await stage.adapter.market_info(stage.market)
    balances = {one.asset: HotBalance(one.total, one.free) for one in await stage.adapter.fetch_balances()}
    terms = MarginTerms("usdt", info.initial_margin, info.taker_fee)
    return usable_margin(terms, HotBalances("desk", NOW_NS, balances), (), position, 2400.5, NOW_NS)


@pytest.mark.parametrize("dialect", ["ton_dex", "ccxt_okx"])
@pytest.mark.parametrize("position", ["0", "3", "-3"])
async def test_the_venue_takes_what_we_call_covered_and_refuses_a_little_more(dialect: str, position: str) -> None:
    async with staged(dialect, perpetual=True) as stage:
        d, q = stage.dialect, D(position)
        if q:
            side, price = (Side.BUY, d.ask) if q > 0 else (Side.SELL, d.bid)
            await stage.adapter.submit_order(stage.order(side, price=price, size=abs(q), tif=TimeInForce.IOC))
        funds = await told(stage, q)
        assert funds.base is not None and funds.quote is not None
        for side, price, covered in ((Side.BUY, d.bid, funds.quote / d.bid), (Side.SELL, d.ask, funds.base)):
            # Half a percent for the price of an order, which is not the reference.
            fits = (covered * D("0.995")).quantize(D("0.001"), ROUND_DOWN)
            beyond = (covered * D("1.005")).quantize(D("0.001"), ROUND_DOWN)
            with pytest.raises(VenueRejected) as refused:
                await stage.adapter.submit_order(stage.order(side, price=price, size=beyond))
            assert refused.value.reason is RejectReason.INSUFFICIENT_BALANCE
            request = stage.order(side, price=price, size=fits)
            await stage.adapter.submit_order(request)
            await stage.adapter.cancel_order(stage.market, request.client_order_id)
