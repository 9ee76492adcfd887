"""ccxt's REST client of OKX against the venue: every call an adapter makes."""

from __future__ import annotations

import time
from collections.abc import Callable

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from tests.sandbox.okx_ccxt.conftest import SYMBOL, sell_through
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue, running_venue

Okx = ccxt.pro.okx


async def test_markets_time_and_currencies(okx: Okx) -> None:
    markets = await okx.load_markets()
    assert list(markets) == [SYMBOL]
    market = markets[SYMBOL]
    assert (market["id"], market["spot"], market["active"]) == ("GRAM-USDT", True, True)
    assert market["precision"] == {"amount": 0.01, "price": 0.0001}
    assert market["limits"]["amount"]["min"] == 0.1
    assert {"GRAM", "USDT"} <= set(okx.currencies)
    assert abs(await okx.fetch_time() - time.time() * 1000) < 2000
    assert (await okx.fetch_status())["status"] == "ok"
    fee = await okx.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.0001, 0.0005)


async def test_the_async_support_client_works_as_well(venue: RunningVenue) -> None:
    client = ccxt.async_support.okx({"timeout_on_exit": 0, "urls": {"api": {"rest": venue.base_url}}})
    try:
        book = await client.fetch_order_book(SYMBOL, 5)
    finally:
        await client.close()
    assert (book["bids"], book["asks"]) == ([[1.269, 500.0, 0]], [[1.27, 500.0, 0]])


async def test_public_market_data(venue: RunningVenue, okx: Okx) -> None:
    for size in ("1", "2", "3"):
        sell_through(venue, "1.2690", size)
    trades = await okx.fetch_trades(SYMBOL, limit=2)
    assert [(trade["amount"], trade["side"], trade["price"]) for trade in trades] == [
        (2.0, "sell", 1.269),
        (3.0, "sell", 1.269),
    ]
    ticker = await okx.fetch_ticker(SYMBOL)
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == (1.269, 1.27, 1.269)


async def test_create_edit_and_cancel(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    created = await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2691, {"postOnly": True, "clOrdId": "q1b"})
    assert created["clientOrderId"] == "q1b"
    edited = await okx.edit_order(created["id"], SYMBOL, "limit", "buy", 12, 1.2692)
    assert edited["id"] == created["id"]
    (order,) = await okx.fetch_open_orders(SYMBOL)
    assert (order["price"], order["amount"], order["status"], order["postOnly"]) == (1.2692, 12.0, "open", True)
    assert order["clientOrderId"] == "q1b"
    await okx.cancel_order(created["id"], SYMBOL)
    gone = await okx.fetch_order(created["id"], SYMBOL)
    assert (gone["status"], gone["info"]["cancelSource"]) == ("canceled", "1")
    second = await okx.create_order(SYMBOL, "limit", "sell", 10, 1.2699, {"clOrdId": "q1s"})
    await okx.edit_order(None, SYMBOL, "limit", "sell", None, 1.2698, {"clOrdId": "q1s"})
    assert (await okx.fetch_order(None, SYMBOL, {"clOrdId": "q1s"}))["price"] == 1.2698
    await okx.cancel_order(None, SYMBOL, {"clOrdId": "q1s"})
    canceled = await okx.fetch_canceled_orders(SYMBOL)
    assert sorted(order["id"] for order in canceled) == sorted([created["id"], second["id"]])


async def test_batches_succeed_and_fail_row_by_row(okx: Okx) -> None:
    await okx.load_markets()
    orders = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 10, "price": 1.25 + i / 1000} for i in range(2)
    ]
    too_big = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1_000_000, "price": 1.25}
    placed = await okx.create_orders([*orders, too_big])
    assert [order["status"] for order in placed] == [None, None, "rejected"]
    assert placed[2]["info"]["sCode"] == "51008"
    ids = [order["id"] for order in placed[:2]]
    assert [order["id"] for order in await okx.cancel_orders(ids, SYMBOL)] == ids
    assert await okx.fetch_open_orders(SYMBOL) == []


async def test_cancel_all_orders_after(venue: RunningVenue, okx: Okx) -> None:
    answer = await okx.cancel_all_orders_after(15_000)
    row = answer["data"][0]
    assert 14_000 <= int(row["triggerTime"]) - int(row["ts"]) <= 15_000
    assert (await okx.cancel_all_orders_after(0))["data"][0]["triggerTime"] == "0"
    with pytest.raises(ccxt.BadRequest):
        await okx.cancel_all_orders_after(5_000)  # the exchange takes 10 to 120 s


async def test_ioc_fills_and_its_fee_in_the_received_asset(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    created = await okx.create_order(SYMBOL, "limit", "buy", 20, 1.27, {"timeInForce": "IOC"})
    order = await okx.fetch_order(created["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 20.0, 1.27)
    assert order["fee"] == {"cost": 0.01, "currency": "GRAM"}  # 20 × 0.0005
    (trade,) = await okx.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["amount"], trade["price"]) == (created["id"], 20.0, 1.27)
    assert (trade["takerOrMaker"], trade["fee"]) == ("taker", {"cost": 0.01, "currency": "GRAM"})
    balance = await okx.fetch_balance()
    assert balance["GRAM"]["total"] == 20_019.99
    assert balance["USDT"]["total"] == pytest.approx(50_000 - 25.4)
    assert [order["id"] for order in await okx.fetch_closed_orders(SYMBOL)] == [created["id"]]


async def test_balances_show_holds(okx: Okx) -> None:
    await okx.load_markets()
    await okx.create_order(SYMBOL, "limit", "buy", 100, 1.25)
    balance = await okx.fetch_balance()
    assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (49_875.0, 125.0)
    deposits = await okx.fetch_deposits()
    assert sorted((row["currency"], row["amount"], row["status"]) for row in deposits) == [
        ("GRAM", 20_000.0, "ok"),
        ("USDT", 50_000.0, "ok"),
    ]
    assert [row["amount"] for row in await okx.fetch_deposits("GRAM")] == [20_000.0]
    assert await okx.fetch_withdrawals() == []


async def test_fills_page_by_bill_id_newest_first(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    created = await okx.create_order(SYMBOL, "limit", "buy", 100, 1.2695)
    for size in range(1, 8):
        sell_through(venue, "1.2695", f"{size}.00")
    newest = (await okx.private_get_trade_fills({"instType": "SPOT", "limit": "3"}))["data"]
    assert [row["fillSz"] for row in newest] == ["7.00", "6.00", "5.00"]
    older = (await okx.private_get_trade_fills({"after": newest[-1]["billId"], "limit": "3"}))["data"]
    assert [row["fillSz"] for row in older] == ["4.00", "3.00", "2.00"]
    newer = (await okx.private_get_trade_fills_history({"before": older[0]["billId"], "instType": "SPOT"}))["data"]
    assert [row["fillSz"] for row in newer] == ["7.00", "6.00", "5.00"]
    trades = await okx.fetch_order_trades(created["id"], SYMBOL)
    assert [trade["amount"] for trade in trades] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    since = int(time.time() * 1000) + 60_000
    assert await okx.fetch_my_trades(SYMBOL, since) == []


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ((10, 1.27, {"postOnly": True}), ccxt.ExchangeError, "51511"),
        ((10_000_000, 1.25, {}), ccxt.InsufficientFunds, "51008"),
        ((10, 0.5, {}), ccxt.InvalidOrder, "51006"),
        ((10, 1.25, {"clOrdId": "used"}), ccxt.InvalidOrder, "51016"),
        ((10, 1.25, {"clOrdId": "not-alphanumeric"}), ccxt.BadRequest, "51000"),
        ((10, 1.25, {"expTime": "1597026383085"}), ccxt.ExchangeError, "51149"),
        ((10, 1.25, {"timeInForce": "FOK"}), ccxt.BadRequest, "51000"),
        ((10, 1.25, {"sz": "10.005"}), ccxt.InvalidOrder, "51121"),
        ((10, 1.25, {"sz": "0.05"}), ccxt.InvalidOrder, "51020"),
        ((10, 1.25, {"instId": "NO-WHERE"}), ccxt.BadSymbol, "51001"),
    ],
)
async def test_refusals_arrive_as_ccxts_own_errors(
    okx: Okx, arguments: tuple, error: type[Exception], code: str
) -> None:
    await okx.load_markets()
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25, {"clOrdId": "used"})
    with pytest.raises(error, match=f'"sCode":"{code}"'):
        await okx.create_order(SYMBOL, "limit", "buy", *arguments)
    assert len(await okx.fetch_open_orders(SYMBOL)) == 1


async def test_51000_names_the_parameter_and_self_trades(okx: Okx) -> None:
    await okx.load_markets()
    with pytest.raises(ccxt.BadRequest, match="Parameter px error"):
        await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25, {"px": "1.25005"})
    await okx.create_order(SYMBOL, "limit", "sell", 10, 1.2695)
    with pytest.raises(ccxt.BadRequest, match="Self-trade prevention"):
        await okx.create_order(SYMBOL, "limit", "buy", 10, 1.2695)


async def test_unknown_and_done_orders(okx: Okx) -> None:
    await okx.load_markets()
    with pytest.raises(ccxt.OrderNotFound, match="51400"):
        await okx.cancel_order("999", SYMBOL)
    with pytest.raises(ccxt.OrderNotFound, match="51503"):
        await okx.edit_order("999", SYMBOL, "limit", "buy", 10, 1.25)
    with pytest.raises(ccxt.OrderNotFound, match="51603"):
        await okx.fetch_order("999", SYMBOL)
    done = await okx.create_order(SYMBOL, "limit", "buy", 20, 1.27, {"timeInForce": "IOC"})
    with pytest.raises(ccxt.OrderNotFound, match="51400"):
        await okx.cancel_order(done["id"], SYMBOL)


async def test_the_deadline_header_counts_on_the_venues_clock(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    okx.headers = {"expTime": str(int(time.time() * 1000) + 5_000)}
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25)
    venue.clock.skew_s = 6.0
    with pytest.raises(ccxt.ExchangeError, match="51149"):
        await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25)


async def test_bad_credentials(connect: Callable[..., Okx], venue: RunningVenue) -> None:
    for changes, code in (({"secret": "x"}, "50113"), ({"password": "x"}, "50105"), ({"apiKey": "x"}, "50111")):
        with pytest.raises(ccxt.AuthenticationError, match=code):
            await connect(**changes).fetch_balance()
    venue.clock.skew_s = 60.0
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        await connect().fetch_balance()


async def test_faults_arrive_as_ccxts_own_errors(venue: RunningVenue, okx: Okx) -> None:
    await okx.load_markets()
    venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1))
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25, {"clOrdId": "lost"})
    assert (await okx.fetch_order(None, SYMBOL, {"clOrdId": "lost"}))["status"] == "open"
    venue.faults.add(FaultRule(FaultKind.DROP_BEFORE, endpoint="cancel", count=1))
    with pytest.raises(ccxt.NetworkError):
        await okx.cancel_order(None, SYMBOL, {"clOrdId": "lost"})
    venue.faults.add(FaultRule(FaultKind.RATE_LIMITED, endpoint="balances", count=1))
    with pytest.raises(ccxt.RateLimitExceeded):
        await okx.fetch_balance()


async def test_the_exchanges_rate_limit() -> None:
    async with running_venue("cex", rate_scale=1.0) as running:
        client = ccxt.async_support.okx(
            {"timeout_on_exit": 0, "enableRateLimit": False, "urls": {"api": {"rest": running.base_url}}}
        )
        try:
            with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
                for _ in range(15):
                    await client.fetch_time()  # 10 in 2 s
            assert float(client.last_response_headers["Retry-After"]) > 0
        finally:
            await client.close()


async def test_the_export_of_the_account(okx: Okx) -> None:
    await okx.load_markets()
    await okx.create_order(SYMBOL, "limit", "buy", 10, 1.25)
    answer = await okx.request("sandbox/export", ["private"], "GET")
    assert [len(answer["data"][0][name]) for name in ("orders", "fills", "transfers")] == [1, 0, 2]
