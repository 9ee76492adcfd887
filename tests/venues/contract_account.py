"""V20, V21, V28, V35: the account."""

from __future__ import annotations

from decimal import Decimal

from tests.venues.contract import behaviour
from tests.venues.stage import ACCOUNT, Stage
from trading.sandbox.types import OrderType, PlaceOrder
from trading.sandbox.types import Side as EngineSide
from trading.venues.interface import Balance, InstrumentKind, OwnFill, Side, TimeInForce, VenueKind


async def balances(stage: Stage) -> dict[str, Balance]:
    return {balance.asset: balance for balance in await stage.adapter.fetch_balances()}


@behaviour("V20", "balances are the venue's, what orders hold is not free, and assets carry our ids")
async def v20(stage: Stage) -> None:
    d = stage.dialect
    before = await balances(stage)
    assert set(before) == {d.market.base, d.market.quote}
    assert all(balance.free == balance.total > 0 for balance in before.values())
    bid, ask = stage.order(), stage.order(Side.SELL)
    await stage.adapter.submit_order(bid)
    await stage.adapter.submit_order(ask)
    held = await balances(stage)
    assert held[d.market.base].free == before[d.market.base].total - ask.size
    assert held[d.market.quote].free <= before[d.market.quote].total - bid.size * bid.price
    truth = {balance.asset.lower(): balance for balance in stage.venue.exchange.balances(ACCOUNT)}
    assert {asset: (one.total, one.free) for asset, one in held.items()} == {
        asset: (one.total, one.free) for asset, one in truth.items()
    }
    stage.venue.exchange.deposit(ACCOUNT, "XYZ", Decimal(5), stage.venue.clock.engine_ns())
    assert (await balances(stage))["venue:XYZ"].total == 5


@behaviour("V21", "transfers are told once each, oldest first, after the cursor, signed")
async def v21(stage: Stage) -> None:
    exchange, clock = stage.venue.exchange, stage.venue.clock
    first = await stage.adapter.fetch_transfers()
    assert {transfer.asset for transfer in first} == {stage.dialect.market.base, stage.dialect.market.quote}
    cursor = first[-1].cursor
    assert list(await stage.adapter.fetch_transfers(cursor)) == []
    later_ns = clock.engine_ns() + 5_000_000
    exchange.deposit(ACCOUNT, "USDT", Decimal("12.5"), later_ns, "dep-1")
    exchange.deposit(ACCOUNT, "USDT", Decimal("-2.5"), later_ns + 5_000_000, "wd-1")
    fresh = await stage.adapter.fetch_transfers(cursor)
    assert [(one.transfer_id, one.asset, one.amount) for one in fresh] == [
        ("dep-1", "usdt", Decimal("12.5")),
        ("wd-1", "usdt", Decimal("-2.5")),
    ]
    assert [one.transfer_id for one in await stage.adapter.fetch_transfers(fresh[0].cursor)] == ["wd-1"]
    assert [one.transfer_id for one in await stage.adapter.fetch_transfers(cursor, 1)] == ["dep-1"]


@behaviour("V28", "fees are told in our asset id with the sign of a payment, for maker and taker, buys and sells")
async def v28(stage: Stage) -> None:
    d = stage.dialect
    info = await stage.adapter.market_info(stage.market)
    await stage.adapter.submit_order(stage.order(price=d.ask, tif=TimeInForce.IOC))
    await stage.adapter.submit_order(stage.order(Side.SELL, price=d.bid, tif=TimeInForce.IOC))
    resting = stage.order(price=d.bid + d.step)
    await stage.adapter.submit_order(resting)
    stage.sell_into(d.bid, resting.size)
    fills = await stage.adapter.fetch_my_trades(stage.market)
    assert [(fill.side, fill.maker) for fill in fills] == [(Side.BUY, False), (Side.SELL, False), (Side.BUY, True)]
    for fill, rate in zip(fills, (info.taker_fee, info.taker_fee, info.maker_fee), strict=True):
        if info.fee_in_received_asset and fill.side is Side.BUY:
            wanted = (fill.size * rate, d.market.base)
        else:
            wanted = (fill.size * fill.price * rate, d.market.quote)
        assert (fill.fee, fill.fee_asset) == wanted
    truth = [(fill.fee, fill.fee_asset.lower()) for fill in stage.venue.exchange.fills(ACCOUNT)]
    assert [(fill.fee, fill.fee_asset) for fill in fills] == truth


@behaviour("V35", "the market list's rules are read at open(): tick, lot, minimum, fees, kind")
async def v35(stage: Stage) -> None:
    info = await stage.adapter.market_info(stage.market)
    listed = stage.venue.exchange.instruments[stage.dialect.engine_symbol]
    assert (info.tick, info.lot_step, info.min_size) == (listed.tick, listed.lot_step, listed.min_size)
    assert (info.maker_fee, info.taker_fee) == (listed.maker_fee, listed.taker_fee)
    assert (info.base, info.quote, info.kind) == (listed.base, listed.quote, VenueKind.ORDER_BOOK)
    assert info.fee_in_received_asset is (listed.fee_mode.value == "received")
    assert stage.adapter.capabilities.kind is VenueKind.ORDER_BOOK
    assert (info.instrument, info.contract_value) == (InstrumentKind.SPOT, 1)
    assert list(await stage.adapter.fetch_funding(stage.market)) == list(await stage.adapter.fetch_funding()) == []
    assert list(await stage.adapter.fetch_positions()) == []
    assert await stage.adapter.fetch_funding_rate(stage.market) is None


@behaviour("V37", "histories and lists longer than a page of the venue are told whole, oldest first, without a hole")
async def v37(stage: Stage) -> None:
    d, exchange = stage.dialect, stage.venue.exchange
    resting = stage.order(price=d.bid + d.step, size=d.size * 10)
    await stage.adapter.submit_order(resting)
    for _ in range(120):
        stage.sell_into(d.bid, d.size / 20)
    told: list[OwnFill] = []
    while page := await stage.adapter.fetch_my_trades(stage.market, told[-1].cursor if told else "", 50):
        told += page
    truth = exchange.fills(ACCOUNT, limit=1000)
    assert len(truth) == 120
    assert [(fill.trade_id, fill.size) for fill in told] == [(fill.trade_id, fill.size) for fill in truth]
    for number in range(104):
        wanted = PlaceOrder(
            d.engine_symbol,
            EngineSide.BUY,
            OrderType.POST_ONLY,
            d.bid - d.step,
            (await stage.adapter.market_info(stage.market)).min_size,
            f"other{number}",
        )
        exchange.place(ACCOUNT, wanted, stage.venue.clock.engine_ns())
    open_orders = await stage.adapter.fetch_open_orders(stage.market)
    assert [order.client_order_id for order in open_orders] == [
        resting.client_order_id,
        *(f"other{number}" for number in range(104)),
    ]
    assert await stage.adapter.cancel_all() == 105
    assert stage.open_ids() == set()
