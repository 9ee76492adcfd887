"""V13 to V16, V32 to V34: streams."""

from __future__ import annotations

import asyncio
import time

from tests.venues.contract import behaviour
from tests.venues.stage import ACCOUNT, Recorder, Stage, identity
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.types import RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.interface import OrderBook, OrderState, OwnFill, OwnOrder, ProofOfLife, PublicTrade, StreamReset


def same_as_venue(stage: Stage, book: OrderBook) -> bool:
    """Whether the assembled book is the one that the venue publishes."""
    truth = stage.venue.exchange.book(stage.dialect.engine_symbol)
    ours = [[(level.price, level.size) for level in side] for side in (book.bids, book.asks)]
    return ours == [list(truth.bids), list(truth.asks)] and book.seq == truth.seq


async def standing(recorder: Recorder) -> None:
    """Wait until a stream's subscription stands."""
    await recorder.until(lambda: recorder.of(StreamReset))


@behaviour("V13", "a sequence gap in the book is noticed, told as a reset, and healed by a fresh snapshot")
async def v13(stage: Stage) -> None:
    book = stage.record(stage.adapter.stream_book(stage.market))
    await book.until(lambda: book.of(OrderBook))
    step, bid = stage.dialect.step, stage.dialect.bid
    for number in range(1, 4):
        stage.show(bid - step * number)
        await book.until(lambda: same_as_venue(stage, book.of(OrderBook)[-1]))
    resets = len(book.of(StreamReset))
    stage.venue.faults.add(FaultRule(FaultKind.BOOK_GAP, endpoint="stream.book", count=1))
    stage.show(bid - step * 5)  # lost
    stage.show(bid - step * 6)  # follows what we never saw
    await book.until(lambda: len(book.of(StreamReset)) > resets)
    await book.until(lambda: isinstance(book.events[-1], OrderBook | ProofOfLife))
    await book.until(lambda: same_as_venue(stage, book.of(OrderBook)[-1]))
    at = max(i for i, event in enumerate(book.events) if isinstance(event, StreamReset))
    before = [event for event in book.events[:at] if isinstance(event, OrderBook)]
    assert all(level.price != bid - step * 6 for one in before for level in one.bids)  # nothing built over a gap


@behaviour("V14", "every stream comes back after its socket broke, says so, and goes on")
async def v14(stage: Stage) -> None:
    book = stage.record(stage.adapter.stream_book(stage.market))
    trades = stage.record(stage.adapter.stream_trades(stage.market))
    own = stage.record(stage.adapter.stream_own())
    for recorder in (book, trades, own):
        await standing(recorder)
    await book.until(lambda: book.of(OrderBook))
    for _ in range(2):
        resets = [len(recorder.of(StreamReset)) for recorder in (book, trades, own)]
        books = len(book.of(OrderBook))
        await stage.venue.drop_streams()
        for recorder, before in zip((book, trades, own), resets, strict=True):
            await recorder.until(lambda r=recorder, n=before: len(r.of(StreamReset)) > n)
        await book.until(lambda n=books: len(book.of(OrderBook)) > n)
        await stage.venue.subscribed(4 if stage.dialect.name == "dex" else 3)
        request = stage.order(price=stage.dialect.bid + stage.dialect.step)
        prints, fills = len(trades.of(PublicTrade)), len(own.of(OwnFill))
        await stage.adapter.submit_order(request)
        stage.sell_into(stage.dialect.bid, request.size)
        await trades.until(lambda n=prints: len(trades.of(PublicTrade)) > n)
        await own.until(lambda n=fills: len(own.of(OwnFill)) > n)
        await book.until(lambda: same_as_venue(stage, book.of(OrderBook)[-1]))


@behaviour("V15", "an own fill is the same fill on the stream and in the history; the history pages by its cursor")
async def v15(stage: Stage) -> None:
    own = stage.record(stage.adapter.stream_own())
    await standing(own)
    request = stage.order(price=stage.dialect.bid + stage.dialect.step)
    await stage.adapter.submit_order(request)
    for _ in range(5):
        stage.sell_into(stage.dialect.bid, request.size / 5)
    await own.until(lambda: len(own.of(OwnFill)) == 5)
    history = await stage.adapter.fetch_my_trades(stage.market)
    truth = stage.venue.exchange.fills(ACCOUNT)
    assert [(fill.trade_id, fill.price, fill.size) for fill in history] == [
        (fill.trade_id, fill.price, fill.size) for fill in truth
    ]
    assert {identity(fill) for fill in own.of(OwnFill)} == {identity(fill) for fill in history}
    for streamed, kept in zip(own.of(OwnFill), history, strict=True):
        assert (streamed.price, streamed.size, streamed.side, streamed.maker, streamed.fee, streamed.fee_asset) == (
            kept.price,
            kept.size,
            kept.side,
            kept.maker,
            kept.fee,
            kept.fee_asset,
        )
        assert streamed.client_order_id == kept.client_order_id == request.client_order_id
        assert streamed.cursor == ""
    paged: list[OwnFill] = []
    while page := await stage.adapter.fetch_my_trades(stage.market, paged[-1].cursor if paged else "", 2):
        assert len(page) <= 2
        paged += page
    assert [identity(fill) for fill in paged] == [identity(fill) for fill in history]
    assert await stage.adapter.fetch_my_trades(None, history[-1].cursor) in ([], ())
    assert [identity(f) for f in await stage.adapter.fetch_my_trades(None, history[2].cursor)] == [
        identity(f) for f in history[3:]
    ]


@behaviour("V16", "fills that come twice or out of order are passed on and break nothing")
async def v16(stage: Stage) -> None:
    own = stage.record(stage.adapter.stream_own())
    await standing(own)
    stage.venue.faults.add(FaultRule(FaultKind.DUPLICATE_FILL, endpoint="stream.fills", count=1))
    stage.venue.faults.add(FaultRule(FaultKind.REORDER_FILL, endpoint="stream.fills", count=1))
    request = stage.order(price=stage.dialect.bid + stage.dialect.step)
    await stage.adapter.submit_order(request)
    for _ in range(4):
        stage.sell_into(stage.dialect.bid, request.size / 4)
    wanted = {(stage.market, fill.trade_id, fill.order_id) for fill in stage.venue.exchange.fills(ACCOUNT)}
    assert len(wanted) == 4
    await own.until(lambda: {identity(fill) for fill in own.of(OwnFill)} == wanted and len(own.of(OwnFill)) == 5)
    by_identity = {identity(fill): (fill.price, fill.size, fill.fee) for fill in own.of(OwnFill)}
    assert all(by_identity[identity(fill)] == (fill.price, fill.size, fill.fee) for fill in own.of(OwnFill))
    await own.until(lambda: any(order.state is OrderState.FILLED for order in own.of(OwnOrder)))
    assert stage.venue.faults.applied["duplicate_fill"] == stage.venue.faults.applied["reorder_fill"] == 1


@behaviour("V32", "a quiet market proves that it is alive well within the 3 s after which a feed counts as stale")
async def v32(stage: Stage) -> None:
    recorders = [
        stage.record(stage.adapter.stream_book(stage.market)),
        stage.record(stage.adapter.stream_trades(stage.market)),
        stage.record(stage.adapter.stream_own()),
    ]
    for recorder in recorders:
        await standing(recorder)
    for _ in range(2):
        before = [len(recorder.of(ProofOfLife)) for recorder in recorders]
        started_s = time.monotonic()
        for recorder, count in zip(recorders, before, strict=True):
            await recorder.until(lambda r=recorder, n=count: len(r.of(ProofOfLife)) > n)
        assert time.monotonic() - started_s < 2.5


@behaviour("V33", "own orders are told with every change of state, from whichever process it came")
async def v33(stage: Stage) -> None:
    own = stage.record(stage.adapter.stream_own())
    await standing(own)
    request = stage.order()
    await stage.adapter.submit_order(request)
    await own.until(lambda: [order.state for order in own.of(OwnOrder)] == [OrderState.OPEN])
    exchange, now_ns = stage.venue.exchange, stage.venue.clock.engine_ns()
    exchange.cancel(ACCOUNT, stage.dialect.engine_symbol, client_order_id=request.client_order_id, now_ns=now_ns)
    await own.until(lambda: [order.state for order in own.of(OwnOrder)] == [OrderState.OPEN, OrderState.CANCELLED])
    told = own.of(OwnOrder)[-1]
    assert (told.market, told.client_order_id, told.cancel_reason) == (stage.market, request.client_order_id, "user")


@behaviour("V34", "public trades and books are the venue's, on the stream as on request; streams end when closed")
async def v34(stage: Stage) -> None:
    trades = stage.record(stage.adapter.stream_trades(stage.market))
    await standing(trades)
    step, bid, ask = stage.dialect.step, stage.dialect.bid, stage.dialect.ask
    stage.venue.play(RecordTrade(0, RecordSide.SELL, bid, stage.dialect.size))
    stage.venue.play(RecordTrade(0, RecordSide.BUY, ask, stage.dialect.size * 2))
    await trades.until(lambda: len(trades.of(PublicTrade)) == 2)
    fetched = await stage.adapter.fetch_trades(stage.market)
    truth = stage.venue.exchange.recent_trades(stage.dialect.engine_symbol)
    assert fetched == trades.of(PublicTrade)
    assert [(trade.trade_id, trade.side.value, trade.price, trade.size) for trade in fetched] == [
        (trade.trade_id, trade.side.value, trade.price, trade.size) for trade in truth
    ]
    for number in range(1, 4):
        await stage.adapter.submit_order(stage.order(price=bid - step * number))
    book = await stage.adapter.fetch_orderbook(stage.market, 3)
    shown = stage.venue.exchange.book(stage.dialect.engine_symbol, 3)
    assert [(level.price, level.size) for level in book.bids] == list(shown.bids)
    assert [(level.price, level.size) for level in book.asks] == list(shown.asks)
    assert len(book.bids) == 3
    await stage.adapter.close()
    async with asyncio.timeout(3.0):
        await trades.task
