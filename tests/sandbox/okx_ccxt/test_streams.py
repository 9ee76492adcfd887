"""ccxt.pro's WebSocket client of OKX against the venue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp
import ccxt
import ccxt.pro
import pytest

from tests.sandbox.okx_ccxt.conftest import SYMBOL, open_market, sell_through
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue

Okx = ccxt.pro.okx
WAIT_S = 4.0


async def soon(awaitable: object) -> object:
    return await asyncio.wait_for(awaitable, WAIT_S)


async def subscribed(venue: RunningVenue, *watches: object) -> list[asyncio.Task]:
    """Start watching and wait until the venue has the subscriptions."""
    tasks = [asyncio.ensure_future(watch) for watch in watches]
    await venue.subscribed(len(watches))
    return tasks


async def test_the_watched_book_follows_the_venues(venue: RunningVenue, okx: Okx) -> None:
    book = await soon(okx.watch_order_book(SYMBOL))
    assert (book["bids"], book["asks"]) == ([[1.269, 500.0]], [[1.27, 500.0]])
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2695)
    await okx.create_order(SYMBOL, "limit", "sell", 5, 1.2699)
    open_market(venue, "1.2689", "1.2701")
    final = venue.exchange.book(SYMBOL)
    while book["nonce"] != final.seq:
        book = await soon(okx.watch_order_book(SYMBOL))
    assert book["bids"] == [[1.2695, 10.0], [1.2689, 500.0]]
    assert book["asks"] == [[1.2699, 5.0], [1.2701, 500.0]]


@pytest.mark.parametrize("limit", [1, 5])
async def test_small_books(venue: RunningVenue, okx: Okx, limit: int) -> None:
    await soon(okx.watch_order_book(SYMBOL, limit))
    open_market(venue, "1.2688", "1.2702")
    book = await soon(okx.watch_order_book(SYMBOL, limit))
    assert [level[:2] for level in book["bids"] + book["asks"]] == [[1.2688, 500.0], [1.2702, 500.0]]


async def test_a_gap_is_seen_by_ccxt_and_heals(venue: RunningVenue, okx: Okx) -> None:
    await soon(okx.watch_order_book(SYMBOL))
    venue.faults.add(FaultRule(FaultKind.BOOK_GAP, count=1))
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2695)
    watching = asyncio.ensure_future(okx.watch_order_book(SYMBOL))
    await asyncio.sleep(0)
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2694)
    with pytest.raises(ccxt.InvalidNonce):
        await soon(watching)
    book = await soon(okx.watch_order_book(SYMBOL))
    assert book["bids"] == [[1.2695, 10.0], [1.2694, 10.0], [1.269, 500.0]]


async def test_watch_trades(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    (watching,) = await subscribed(venue, okx.watch_trades(SYMBOL))
    sell_through(venue, "1.2690", "3")
    trades = await soon(watching)
    assert [(trade["price"], trade["amount"], trade["side"]) for trade in trades] == [(1.269, 3.0, "sell")]


async def test_watch_orders_and_my_trades(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    orders, trades = await subscribed(venue, okx.watch_orders(SYMBOL), okx.watch_my_trades(SYMBOL))
    created = await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2695, {"clOrdId": "q1"})
    (order,) = await soon(orders)
    assert (order["id"], order["clientOrderId"], order["status"], order["filled"]) == (created["id"], "q1", "open", 0.0)
    assert not trades.done()
    sell_through(venue, "1.2695", "4.00")
    (trade,) = await soon(trades)
    assert (trade["order"], trade["amount"], trade["price"]) == (created["id"], 4.0, 1.2695)
    assert (trade["side"], trade["takerOrMaker"]) == ("buy", "maker")
    assert trade["info"]["fillFee"] == "-0.000400"  # 4 × 0.0001; ccxt passes this sign on for streamed trades
    assert trade["info"]["fillFeeCcy"] == "GRAM"
    sell_through(venue, "1.2695", "6.00")
    deadline = time.monotonic() + WAIT_S
    while order["status"] != "closed":
        assert time.monotonic() < deadline
        (order,) = await soon(okx.watch_orders(SYMBOL))
    assert (order["filled"], order["average"]) == (10.0, 1.2695)


async def test_each_execution_is_pushed_once(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    pushed: list[tuple[str, str, str]] = []
    handle = okx.handle_orders
    okx.handle_orders = lambda client, message: (  # listens; the client's own handling goes on
        pushed.extend((row["state"], row["accFillSz"], row["fillSz"]) for row in message["data"]),
        handle(client, message),
    )
    await subscribed(venue, okx.watch_orders(SYMBOL))
    created = await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2695)
    sell_through(venue, "1.2695", "4.00")
    sell_through(venue, "1.2695", "5.00")
    await okx.edit_order(created["id"], SYMBOL, "limit", "buy", 12, 1.2694)
    await okx.cancel_order(created["id"], SYMBOL)
    deadline = time.monotonic() + WAIT_S
    while not pushed or pushed[-1][0] != "canceled":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    assert [(state, float(total), float(size)) for state, total, size in pushed] == [
        ("live", 0.0, 0.0),
        ("partially_filled", 4.0, 4.0),
        ("partially_filled", 9.0, 5.0),
        ("partially_filled", 9.0, 0.0),
        ("canceled", 9.0, 0.0),
    ]


async def test_watch_balance(okx: Okx) -> None:
    await okx.load_markets()
    balance = await soon(okx.watch_balance())
    assert balance["GRAM"]["total"] == 20_000.0


async def test_a_bad_login(connect: Callable[..., Okx]) -> None:
    client = connect(secret="wrong")
    with pytest.raises(ccxt.AuthenticationError):
        await soon(client.authenticate())


async def test_ccxt_comes_back_after_a_dropped_socket(venue: RunningVenue, okx: Okx) -> None:
    await soon(okx.watch_order_book(SYMBOL))
    watching = asyncio.ensure_future(okx.watch_order_book(SYMBOL))
    await asyncio.sleep(0)
    await venue.drop_streams()
    with pytest.raises(ccxt.NetworkError):
        await soon(watching)
    book = await soon(okx.watch_order_book(SYMBOL))
    assert book["bids"] == [[1.269, 500.0]]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", "60012"),
        ("{}", "60012"),
        ('{"op":"subscribe","args":[]}', "60012"),
        ('{"op":"order","args":[{}]}', "60012"),
        ('{"op":"subscribe","args":[{"channel":"books","instId":"NO-WHERE"}]}', "60018"),
        ('{"op":"subscribe","args":[{"channel":"candles","instId":"GRAM-USDT"}]}', "60018"),
        ('{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}', "60011"),
        ('{"op":"login","args":[{"apiKey":"x","passphrase":"y","timestamp":"1","sign":"z"}]}', "60005"),
        ('{"op":"login","args":[{"apiKey":"x","passphrase":"y","timestamp":"x","sign":"z"}]}', "60004"),
    ],
)
async def test_bad_frames_leave_the_stream_open(venue: RunningVenue, frame: str, code: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(venue.ws_url + "/private") as stream:
        await stream.send_str(frame)
        answer = await stream.receive_json(timeout=3)
        assert (answer["event"], answer["code"]) == ("error", code)
        await stream.send_str("ping")
        assert (await stream.receive(timeout=3)).data == "pong"
