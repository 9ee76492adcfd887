"""ccxt's unmodified OKX clients against a venue that lists a perpetual beside its spot market."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal as D
from pathlib import Path

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordDepth, RecordTrade, Side

Okx = ccxt.pro.okx
SPOT, SWAP = "GRAM/USDT", "ETH/USDT:USDT"
WAIT_S = 4.0


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    """The catalogue's `cex`: 20,000 GRAM and 50,000 USDT; the perpetual's mark is 2000.005."""
    async with running_venue("cex") as running:
        running.play(RecordDepth(0, ((D("1.2690"), D(500)),), ((D("1.2700"), D(500)),), snapshot=True), SPOT)
        running.play(RecordDepth(0, ((D("2000.00"), D(500)),), ((D("2000.01"), D(500)),), snapshot=True), SWAP)
        yield running


def sell_through(venue: RunningVenue, price: str, size: str) -> None:
    venue.play(RecordTrade(0, Side.SELL, D(price), D(size)), SWAP)


async def soon(awaitable: object) -> object:
    return await asyncio.wait_for(awaitable, WAIT_S)


async def until(watch: Callable[[], object], wanted: Callable[[object], bool]) -> object:
    """What is watched until it is what is wanted."""
    async with asyncio.timeout(WAIT_S):
        while not wanted(found := await watch()):
            pass
    return found


@asynccontextmanager
async def watching(venue: RunningVenue, watch: object) -> AsyncIterator[asyncio.Task]:
    """A watch that the venue knows of."""
    held = venue.hub.subscriptions()
    task = asyncio.ensure_future(watch)
    await venue.subscribed(held + 1)
    yield task


async def test_the_market_is_a_linear_swap_beside_the_spot_market(okx: Okx) -> None:
    markets = await okx.load_markets()
    assert sorted(markets) == [SWAP, SPOT]
    market = markets[SWAP]
    assert (market["id"], market["type"], market["linear"], market["inverse"]) == ("ETH-USDT-SWAP", "swap", True, False)
    assert (market["contractSize"], market["settle"], market["active"]) == (0.1, "USDT", True)
    assert market["precision"] == {"amount": 0.01, "price": 0.01}
    assert (market["limits"]["amount"]["min"], market["limits"]["leverage"]["max"]) == (0.01, 5.0)
    info = market["info"]
    assert [info[name] for name in ("ctVal", "ctMult", "ctValCcy", "ctType", "settleCcy", "uly", "instFamily")] == [
        "0.1",
        "1",
        "ETH",
        "linear",
        "USDT",
        "ETH-USDT",
        "ETH-USDT",
    ]
    assert (info["baseCcy"], info["quoteCcy"], info["lever"]) == ("", "", "5")
    fee = await okx.fetch_trading_fee(SWAP)
    assert (fee["maker"], fee["taker"]) == (0.00008, 0.0005)
    assert [fee["info"][name] for name in ("makerU", "takerU")] == ["-0.00008", "-0.0005"]
    assert (await okx.fetch_trading_fee(SPOT))["maker"] == 0.00008


async def test_the_async_support_client_works_as_well(venue: RunningVenue) -> None:
    client = ccxt.async_support.okx({"timeout_on_exit": 0, "urls": {"api": {"rest": venue.base_url}}})
    try:
        book = await client.fetch_order_book(SWAP, 5)
        rate = await client.fetch_funding_rate(SWAP)
    finally:
        await client.close()
    assert (book["bids"], book["asks"]) == ([[2000.0, 500.0, 0]], [[2000.01, 500.0, 0]])
    assert rate["interval"] == "8h"


async def test_create_edit_and_cancel_in_contracts(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    created = await okx.create_order(SWAP, "limit", "buy", 10, 1999.5, {"postOnly": True, "clOrdId": "q1"})
    await okx.edit_order(created["id"], SWAP, "limit", "buy", 12.25, 1999.4)
    (order,) = await okx.fetch_open_orders(SWAP)
    assert (order["price"], order["amount"], order["clientOrderId"]) == (1999.4, 12.25, "q1")
    assert [order["info"][name] for name in ("instType", "tdMode", "posSide", "lever")] == ["SWAP", "cross", "net", "5"]
    assert await okx.fetch_open_orders(SPOT) == []
    await okx.cancel_order(created["id"], SWAP)
    assert [order["id"] for order in await okx.fetch_canceled_orders(SWAP)] == [created["id"]]
    assert await okx.fetch_canceled_orders(SPOT) == []


async def test_positions_fills_orders_and_balance(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    assert await okx.fetch_positions() == []
    await okx.create_order(SWAP, "limit", "sell", 10, 2000.0, {"timeInForce": "IOC"})
    sells = await okx.fetch_positions([SWAP])
    (position,) = sells
    assert (position["side"], position["contracts"], position["contractSize"]) == ("short", 10.0, 0.1)
    assert (position["entryPrice"], position["markPrice"], position["unrealizedPnl"]) == (2000.0, 2000.005, -0.005)
    assert (position["initialMargin"], position["notional"], position["marginMode"]) == (400.0, 2000.005, "cross")
    assert [position["info"][name] for name in ("pos", "posSide", "mgnMode")] == ["-10", "net", "cross"]
    closing = await okx.create_order(SWAP, "limit", "buy", 4, 2000.01, {"timeInForce": "IOC"})
    opened, closed = await okx.fetch_my_trades(SWAP)
    assert (opened["amount"], opened["takerOrMaker"], opened["fee"]) == (
        10.0,
        "taker",
        {"cost": 1.0, "currency": "USDT"},
    )
    assert (opened["info"]["fillPnl"], closed["info"]["fillPnl"]) == ("0", "-0.004")
    order = await okx.fetch_order(closing["id"], SWAP)
    assert (order["status"], order["filled"], order["average"], order["info"]["pnl"]) == (
        "closed",
        4.0,
        2000.01,
        "-0.004",
    )
    assert await okx.fetch_my_trades(SPOT) == []
    balance = await okx.fetch_balance()
    (usdt,) = [row for row in balance["info"]["data"][0]["details"] if row["ccy"] == "USDT"]
    # fees 1 + 0.400002, realised −0.004; unrealised −6 × 0.1 × 0.005
    assert D(usdt["cashBal"]) == D("49998.595998")
    assert (D(usdt["upl"]), D(usdt["eq"])) == (D("-0.003"), D("49998.592998"))
    assert (D(usdt["frozenBal"]), D(usdt["ordFrozen"])) == (D(240), D(0))
    assert D(usdt["availEq"]) == D(usdt["availBal"]) == D("49758.595998")
    await okx.create_order(SPOT, "limit", "buy", 100, 1.25)
    (usdt,) = [r for r in (await okx.fetch_balance())["info"]["data"][0]["details"] if r["ccy"] == "USDT"]
    assert (D(usdt["frozenBal"]), D(usdt["ordFrozen"])) == (D(365), D(125))
    assert "ETH" not in balance


async def test_histories_of_one_kind_of_instrument_leave_out_the_other(okx: Okx) -> None:
    await okx.load_markets()
    for symbol, price, filled in ((SWAP, 2000.01, 2.0), (SPOT, 1.27, 20.0)):
        await okx.create_order(symbol, "limit", "buy", filled, price, {"timeInForce": "IOC"})
        await okx.create_order(symbol, "limit", "buy", filled, round(price * 0.99, 2))
    calls = (okx.private_get_trade_fills, okx.private_get_trade_orders_history, okx.private_get_trade_orders_pending)
    for call in calls:
        found = {kind: [row["instId"] for row in (await call({"instType": kind}))["data"]] for kind in ("SPOT", "SWAP")}
        assert found == {"SPOT": ["GRAM-USDT"], "SWAP": ["ETH-USDT-SWAP"]}
        assert len((await call({}))["data"]) == 2
        assert (await call({"instType": "FUTURES"}))["data"] == []


async def test_funding_rate_and_history(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    await okx.create_order(SWAP, "limit", "buy", 10, 2000.01, {"timeInForce": "IOC"})
    before = await okx.fetch_funding_rate(SWAP)
    assert before["info"]["settFundingRate"] == ""
    venue.pay_funding("0.0001")
    venue.pay_funding("-0.0003")
    after = await okx.fetch_funding_rate(SWAP)
    assert (after["fundingRate"], after["info"]["settFundingRate"]) == (-0.0003, "-0.0003")
    assert after["fundingTimestamp"] == before["fundingTimestamp"] + 2 * 28_800_000
    assert after["nextFundingTimestamp"] == after["fundingTimestamp"] + 28_800_000
    for found in (await okx.fetch_funding_history(SWAP), await okx.fetch_funding_history()):
        history = sorted(
            found, key=lambda row: int(row["id"])
        )  # ccxt sorts by time, and both came within a millisecond
        assert [(row["symbol"], row["code"], row["amount"]) for row in history] == [
            (SWAP, "USDT", -0.2000005),
            (SWAP, "USDT", 0.6000015),
        ]
    first, second = history
    names = ("type", "subType", "balChg", "pnl", "sz", "px", "ccy", "instId")
    assert [first["info"][n] for n in names] == [
        *("8", "173", "-0.2000005", "-0.2000005"),
        *("10", "2000.005", "USDT", "ETH-USDT-SWAP"),
    ]
    assert second["info"]["subType"] == "174"
    assert int(first["info"]["fillTime"]) == before["fundingTimestamp"]
    bills = await okx.private_get_account_bills({"type": "8", "before": first["id"]})
    assert [row["billId"] for row in bills["data"]] == [second["id"]]
    bills = await okx.private_get_account_bills_archive({"type": "8", "after": second["id"], "limit": "1"})
    assert [row["billId"] for row in bills["data"]] == [first["id"]]
    assert (await okx.private_get_account_bills({"type": "2"}))["data"] == []
    assert await okx.fetch_deposits("USDT") != []
    assert [row["amount"] for row in await okx.fetch_withdrawals()] == []


async def test_mark_price_ticker_and_trades(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    sell_through(venue, "2000.00", "1.50")
    assert (await okx.fetch_mark_price(SWAP))["markPrice"] == 2000.005
    ticker = await okx.fetch_ticker(SWAP)
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == (2000.0, 2000.01, 2000.0)
    assert list(await okx.fetch_tickers([SWAP])) == [SWAP]
    (trade,) = await okx.fetch_trades(SWAP)
    assert (trade["amount"], trade["cost"]) == (1.5, 300.0)  # ccxt: contracts, and their value


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ((10_000, 1999.0, {}), ccxt.InsufficientFunds, "51008"),
        ((10, 2000.01, {"postOnly": True}), ccxt.ExchangeError, "51511"),
        ((10, 1500.0, {}), ccxt.InvalidOrder, "51006"),
        ((10, 1999.0, {"sz": "0.005"}), ccxt.InvalidOrder, "51121"),
        ((10, 1999.0, {"reduceOnly": True}), ccxt.BadRequest, "51000"),
        ((10, 1999.0, {"tdMode": "isolated"}), ccxt.BadRequest, "51000"),
        ((10, 1999.0, {"posSide": "long"}), ccxt.BadRequest, "51000"),
    ],
)
async def test_refusals(okx: Okx, arguments: tuple, error: type[Exception], code: str) -> None:
    await okx.load_markets()
    with pytest.raises(error, match=f'"sCode":"{code}"'):
        await okx.create_order(SWAP, "limit", "buy", *arguments)
    assert await okx.fetch_open_orders(SWAP) == []


async def test_an_amendment_beyond_the_margin_is_refused(okx: Okx) -> None:
    await okx.load_markets()
    created = await okx.create_order(SWAP, "limit", "buy", 10, 1999.0)
    with pytest.raises(ccxt.ExchangeError, match='"sCode":"51502"'):
        await okx.edit_order(created["id"], SWAP, "limit", "buy", 10_000, 1999.0)
    assert (await okx.fetch_order(created["id"], SWAP))["amount"] == 10.0


async def test_spot_orders_trade_cash_as_before(okx: Okx) -> None:
    await okx.load_markets()
    with pytest.raises(ccxt.BadRequest, match='"sCode":"51000"'):
        await okx.create_order(SPOT, "limit", "buy", 10, 1.25, {"tdMode": "cross"})
    await okx.create_order(SPOT, "limit", "buy", 10, 1.25)
    assert (await okx.fetch_open_orders(SWAP), len(await okx.fetch_open_orders(SPOT))) == ([], 1)


async def test_watched_book_trades_and_rate(venue: RunningVenue, okx: Okx) -> None:
    book = await soon(okx.watch_order_book(SWAP))
    assert (book["bids"], book["asks"]) == ([[2000.0, 500.0]], [[2000.01, 500.0]])
    async with watching(venue, okx.watch_trades(SWAP)) as trades:
        sell_through(venue, "2000.00", "1.50")
        assert [(t["amount"], t["side"]) for t in await soon(trades)] == [(1.5, "sell")]
    rate = await soon(okx.watch_funding_rate(SWAP))
    venue.pay_funding("0.0004")
    paid = await until(lambda: okx.watch_funding_rate(SWAP), lambda found: found["fundingRate"] == 0.0004)
    assert paid["fundingTimestamp"] == rate["fundingTimestamp"] + 28_800_000


async def test_watched_orders_fills_positions_and_balance(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    assert await soon(okx.watch_positions([SWAP])) == []
    created = await okx.create_order(SWAP, "limit", "buy", 10, 2000.0, {"clOrdId": "q1"})
    async with watching(venue, okx.watch_my_trades(SWAP)) as trades:
        sell_through(venue, "2000.00", "504.00")  # 500 stood ahead
        (trade,) = await soon(trades)
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (created["id"], 4.0, "maker")
    assert (trade["info"]["fillPnl"], D(trade["info"]["fillFee"])) == ("0", D("-0.064"))  # 2000 × 4 × 0.1 × 0.00008
    positions = await until(lambda: okx.watch_positions([SWAP]), bool)
    assert [(p["side"], p["contracts"], p["entryPrice"]) for p in positions] == [("long", 4.0, 2000.0)]
    balance = await soon(okx.watch_balance())
    venue.pay_funding("0.0001")
    paid = await until(okx.watch_balance, lambda found: found["USDT"]["total"] != balance["USDT"]["total"])
    assert paid["USDT"]["total"] - balance["USDT"]["total"] == pytest.approx(-0.0800002)
    async with watching(venue, okx.watch_orders(SWAP)) as orders:
        await okx.create_order(SPOT, "limit", "buy", 10, 1.25)  # not this market's
        await okx.cancel_order(created["id"], SWAP)
        (order,) = await soon(orders)
    assert (order["symbol"], order["status"], order["filled"]) == (SWAP, "canceled", 4.0)


async def test_pushes_of_one_kind_of_instrument_leave_out_the_other(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    pushed: list[str] = []
    handle = okx.handle_orders
    okx.handle_orders = lambda client, message: (
        pushed.extend(row["instId"] for row in message["data"]),
        handle(client, message),
    )
    async with watching(venue, okx.watch_orders(None, None, None, {"type": "SPOT"})) as orders:
        await okx.create_order(SWAP, "limit", "buy", 10, 1999.0)
        await okx.create_order(SPOT, "limit", "buy", 10, 1.25)
        await soon(orders)
    assert pushed == ["GRAM-USDT"]


async def test_the_export_has_positions_and_funding(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    await okx.create_order(SWAP, "limit", "buy", 10, 2000.01, {"timeInForce": "IOC"})
    venue.pay_funding("0.0001")
    (export,) = (await okx.request("sandbox/export", ["private"], "GET"))["data"]
    assert [(row["symbol"], row["size"]) for row in export["positions"]] == [(SWAP, "10")]
    assert [row["amount"] for row in export["funding"]] == ["-0.2000005"]
    assert [row["realised_pnl"] for row in export["fills"]] == ["0"]
