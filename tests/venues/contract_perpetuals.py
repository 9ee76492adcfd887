"""V44 to V54: linear perpetuals, whose sizes are contracts on the wire and base units on our side."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.venues.contract import behaviour
from tests.venues.stage import ACCOUNT, DIALECTS, Stage, adapter_for, identity
from trading.clock import SystemClock
from trading.sandbox.types import RecordTop, RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.credentials import Credential
from trading.venues.interface import (
    AmendRequest,
    InstrumentKind,
    Level,
    OrderBook,
    OwnFill,
    PublicTrade,
    RejectReason,
    Side,
    StreamReset,
    TimeInForce,
    VenueRejected,
)

D = Decimal
CONTRACT = D("0.1")


@behaviour(
    "V44",
    "a perpetual's rules: kind, contract, margin, funding interval; steps and minimums are base units",
    perpetual=True,
)
async def v44(stage: Stage) -> None:
    info = await stage.adapter.market_info(stage.market)
    listed = stage.venue.exchange.instruments[stage.dialect.engine_symbol]
    assert (info.instrument, info.contract_value, info.settle) == (InstrumentKind.LINEAR_PERPETUAL, CONTRACT, "USDT")
    assert (info.base, info.quote, info.tick) == ("ETH", "USDT", D("0.01"))
    # 0.01 contracts of 0.1 ETH
    assert (info.lot_step, info.min_size) == (D("0.001"), D("0.001"))
    assert (info.maker_fee, info.taker_fee, info.fee_in_received_asset) == (D("0.00008"), D("0.0005"), False)
    assert (info.initial_margin, info.funding_interval_s) == (D("0.2"), listed.funding_interval_s)


@behaviour(
    "V45", "sizes of a perpetual are contracts on the wire and base units here: orders, books, prints", perpetual=True
)
async def v45(stage: Stage) -> None:
    d = stage.dialect
    request = stage.order(price=d.bid + d.step)
    order = await stage.adapter.submit_order(request)
    assert (order.size, stage.truth(request.client_order_id).size) == (D("0.5"), 5)
    stage.sell_into(d.bid, D(2))
    found = await stage.adapter.fetch_order(stage.market, request.client_order_id)
    assert found is not None
    assert (found.size, found.filled, found.avg_price) == (D("0.5"), D("0.2"), request.price)
    change = AmendRequest(stage.market, request.client_order_id, request.price, D("0.723"))
    assert (await stage.adapter.amend_order(change)).size == D("0.723")
    assert stage.truth(request.client_order_id).size == D("7.23")
    (listed,) = await stage.adapter.fetch_open_orders(stage.market)
    assert (listed.size, listed.filled) == (D("0.723"), D("0.2"))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(stage.order(size=D("0.5005")))
    assert refused.value.reason is RejectReason.BAD_SIZE
    book = await stage.adapter.fetch_orderbook(stage.market)
    assert book.bids[0] == Level(request.price, D("0.523"))
    assert book.asks[0] == Level(d.ask, D(50))
    (trade,) = [one for one in await stage.adapter.fetch_trades(stage.market) if one.price == request.price]
    assert trade.size == D("0.2")


@behaviour("V46", "books and prints of a perpetual's streams are in base units too", perpetual=True)
async def v46(stage: Stage) -> None:
    d = stage.dialect
    books = stage.record(stage.adapter.stream_book(stage.market))
    trades = stage.record(stage.adapter.stream_trades(stage.market))
    await books.until(lambda: books.of(OrderBook))
    await trades.until(lambda: trades.of(StreamReset))
    assert books.of(OrderBook)[-1].bids[0] == Level(d.bid, D(50))
    stage.venue.play(RecordTop(0, d.bid, D(30), d.ask, D(70)), d.engine_symbol)
    await books.until(lambda: books.of(OrderBook)[-1].asks[0] == Level(d.ask, D(7)))
    assert books.of(OrderBook)[-1].bids[0] == Level(d.bid, D(3))
    stage.venue.play(RecordTrade(0, RecordSide.BUY, d.ask, D(4)), d.engine_symbol)
    await trades.until(lambda: trades.of(PublicTrade))
    assert (trades.of(PublicTrade)[-1].size, trades.of(PublicTrade)[-1].price) == (D("0.4"), d.ask)


@behaviour(
    "V47",
    "a fill of a perpetual tells what was settled, on the stream as in the history; the fee is in quote",
    perpetual=True,
)
async def v47(stage: Stage) -> None:
    d = stage.dialect
    own = stage.record(stage.adapter.stream_own())
    await own.until(lambda: own.of(StreamReset))
    await stage.adapter.submit_order(stage.order(price=d.ask, tif=TimeInForce.IOC))
    stage.show(d.bid + 10, d.ask + 10)
    await stage.adapter.submit_order(stage.order(Side.SELL, price=d.bid + 10, size=D("0.3"), tif=TimeInForce.IOC))
    stage.show()
    await stage.adapter.submit_order(stage.order(Side.SELL, price=d.bid, size=D("0.4"), tif=TimeInForce.IOC))
    fills = await stage.adapter.fetch_my_trades(stage.market)
    # 0.5 at 2401; 0.3 of it at 2410; then 0.4 at 2400, of which 0.2 close.
    assert [(fill.side, fill.size, fill.price, fill.realised_pnl) for fill in fills] == [
        (Side.BUY, D("0.5"), D(2401), D(0)),
        (Side.SELL, D("0.3"), D(2410), D("2.7")),
        (Side.SELL, D("0.4"), D(2400), D("-0.2")),
    ]
    assert [(fill.fee, fill.fee_asset) for fill in fills] == [
        (fill.size * fill.price * D("0.0005"), "usdt") for fill in fills
    ]
    truth = [(fill.realised_pnl, fill.fee) for fill in stage.venue.exchange.fills(ACCOUNT)]
    assert [(fill.realised_pnl, fill.fee) for fill in fills] == truth
    await own.until(lambda: len({identity(fill) for fill in own.of(OwnFill)}) == 3)
    streamed = {identity(fill): replace(fill, cursor="") for fill in own.of(OwnFill)}
    assert streamed == {identity(fill): replace(fill, cursor="") for fill in fills}


@behaviour(
    "V48", "positions are the venue's, signed, in base units; a flat one is told as flat or not at all", perpetual=True
)
async def v48(stage: Stage) -> None:
    d = stage.dialect
    assert list(await stage.adapter.fetch_positions()) == []
    await stage.adapter.submit_order(stage.order(Side.SELL, price=d.bid, size=D("0.7"), tif=TimeInForce.IOC))
    (short,) = await stage.adapter.fetch_positions()
    assert (short.market, short.q, short.entry_price, short.mark_price) == (stage.market, D("-0.7"), d.bid, D("2400.5"))
    assert stage.venue.exchange.positions(ACCOUNT)[0].size == -7
    await stage.adapter.submit_order(stage.order(price=d.ask, size=D("0.7"), tif=TimeInForce.IOC))
    assert all(one.q == 0 and one.entry_price is None for one in await stage.adapter.fetch_positions())


@behaviour(
    "V49",
    "funding payments are told once each, oldest first, after the cursor, signed, with the venue's number",
    perpetual=True,
)
async def v49(stage: Stage) -> None:
    d, exchange = stage.dialect, stage.venue.exchange
    assert list(await stage.adapter.fetch_funding()) == []
    await stage.adapter.submit_order(stage.order(price=d.ask, size=D("0.5"), tif=TimeInForce.IOC))
    stage.venue.pay_funding("0.0001", d.engine_symbol)
    stage.venue.pay_funding("-0.0003", d.engine_symbol)
    told = await stage.adapter.fetch_funding()
    # 0.5 ETH at a mark of 2400.5: the long pays a positive rate.
    assert [(one.market, one.asset, one.amount, one.mark_price) for one in told] == [
        (stage.market, "usdt", D("-0.120025"), D("2400.5")),
        (stage.market, "usdt", D("0.360075"), D("2400.5")),
    ]
    truth = exchange.funding(ACCOUNT)
    assert [(one.payment_id, one.venue_ns // 10**6) for one in told] == [
        (str(one.seq), one.funding_ns // 10**6) for one in truth
    ]
    assert list(await stage.adapter.fetch_funding(stage.market, told[0].cursor)) == [told[1]]
    assert list(await stage.adapter.fetch_funding(None, told[1].cursor)) == []
    for _ in range(118):
        stage.venue.pay_funding(None, d.engine_symbol)
    pages = list(told)
    while page := await stage.adapter.fetch_funding(None, pages[-1].cursor, 50):
        assert len(page) <= 50
        pages += page
    assert [one.payment_id for one in pages] == [str(one.seq) for one in exchange.funding(ACCOUNT, limit=1000)]
    assert len(pages) == 120
    with pytest.raises(VenueRejected):
        await stage.adapter.fetch_funding(None, "no-cursor")


@behaviour("V50", "the next funding's rate and time are the venue's", perpetual=True)
async def v50(stage: Stage) -> None:
    exchange, symbol = stage.venue.exchange, stage.dialect.engine_symbol
    exchange.set_funding_rate(symbol, D("-0.00025"), stage.venue.clock.engine_ns())
    truth = exchange.funding_rate(symbol, stage.venue.clock.engine_ns())
    told = await stage.adapter.fetch_funding_rate(stage.market)
    assert told is not None
    assert (told.market, told.rate) == (stage.market, D("-0.00025"))
    assert told.funding_ns // 10**6 == truth.funding_ns // 10**6


@behaviour(
    "V51", "a perpetual moves no base: the balance is settled cash, and margin in use is not free", perpetual=True
)
async def v51(stage: Stage) -> None:
    d = stage.dialect

    async def usdt() -> tuple[Decimal, Decimal]:
        held = {balance.asset: balance for balance in await stage.adapter.fetch_balances()}
        assert "eth" not in held or held["eth"].total == 0
        return held["usdt"].total, held["usdt"].free

    total, free = await usdt()
    assert total == free
    await stage.adapter.submit_order(stage.order(price=d.ask, size=D(1), tif=TimeInForce.IOC))
    # Fee 0.0005 and initial margin 1/5 of 2401; what it is worth at another mark is no cash.
    fee = D("1.2005")
    stage.show(d.bid + 100, d.ask + 100)
    assert await usdt() == (total - fee, free - fee - D("480.2"))
    assert stage.venue.exchange.balances(ACCOUNT)[-1].total == total - fee


@behaviour("V52", "an order beyond the free margin is refused; one that closes the position passes", perpetual=True)
async def v52(stage: Stage) -> None:
    d = stage.dialect
    held = {balance.asset: balance for balance in await stage.adapter.fetch_balances()}
    too_large = (held["usdt"].free / (d.bid * D("0.2"))).quantize(D(1))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(stage.order(size=too_large))
    assert refused.value.reason is RejectReason.INSUFFICIENT_BALANCE
    assert stage.open_ids() == set()
    request = stage.order()
    await stage.adapter.submit_order(request)
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.amend_order(AmendRequest(stage.market, request.client_order_id, request.price, too_large))
    assert refused.value.reason is RejectReason.INSUFFICIENT_BALANCE
    assert stage.truth(request.client_order_id).size == 5


@behaviour(
    "V53",
    "a registry that takes a market for another kind or contract is refused at open()",
    perpetual=True,
    opened=False,
)
async def v53(stage: Stage) -> None:
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    for wrong in ({"contract_value": D("0.01")}, {"instrument": "spot", "contract_value": D(1)}):
        market = replace(stage.dialect.market, **wrong)
        adapter = adapter_for(stage.dialect, stage.venue.base_url, credential, timeout_s=2.0, market=market)
        with pytest.raises(VenueRejected) as refused:
            await adapter.open()
        assert refused.value.reason is RejectReason.UNKNOWN_MARKET
        await adapter.close()


@behaviour(
    "V54", "one account's fills on spot and perpetual come in one history, in the order of its cursors", perpetual=True
)
async def v54(stage: Stage) -> None:
    d = stage.dialect
    spot = next(one for one in DIALECTS.values() if one.name == d.name)
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    both = d.make((spot.market, d.market), d.market.account, stage.venue.base_url, credential, SystemClock())
    stage.venue.play(RecordTop(0, spot.bid, D(500), spot.ask, D(500)), spot.engine_symbol)
    await both.open()
    try:
        for number in range(6):
            market, price = (spot.market, spot.ask) if number % 2 else (d.market, d.ask)
            size = spot.size if number % 2 else d.size
            request = stage.order(market=market.slug, price=price, size=size, tif=TimeInForce.IOC)
            await both.submit_order(request)
        fills = list(await both.fetch_my_trades(None))
        assert [fill.market for fill in fills] == [d.market.slug, spot.market.slug] * 3
        cursors = [int(fill.cursor) for fill in fills]
        assert cursors == sorted(set(cursors))
        assert list(await both.fetch_my_trades(None, fills[2].cursor)) == fills[3:]
        assert [fill.realised_pnl for fill in fills] == [D(0), None] * 3
        assert [one.market for one in await both.fetch_positions()] == [d.market.slug]
    finally:
        await both.close()
