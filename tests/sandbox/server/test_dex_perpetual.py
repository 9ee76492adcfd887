"""Perpetuals in the TON-DEX dialect and at the control door, as section 13 of docs/sandbox-venue.md says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal as D
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk
from tests.sandbox.server.engines import ETH, engine
from tests.sandbox.server.test_control import Operator
from tests.sandbox.server.test_dex_stream import log_in, own, receive
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordDepth, RecordTrade, Side

SYMBOL = "ETH/USDT:USDT"
IN_QUERY = "ETH%2FUSDT%3AUSDT"
BOOK = RecordDepth(0, ((D("2000.00"), D(500)),), ((D("2000.01"), D(500)),), snapshot=True)


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    with engine(tmp_path, ETH, 0, 10_000) as exchange:
        async with running_venue("dex", exchange=exchange) as running:
            running.play(BOOK)
            yield running


@pytest.fixture
def desk(venue: RunningVenue, http: aiohttp.ClientSession) -> Desk:
    return Desk(http, venue)


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return Operator(desk)


async def take(desk: Desk, client_order_id: str, side: str, size: str) -> dict:
    """Cross the spread; returns the fill."""
    price = "2000.01" if side == "buy" else "2000.00"
    changes = {"symbol": SYMBOL, "side": side, "type": "ioc", "price": price, "size": size}
    status, answer = await desk.place(client_order_id, **changes)
    assert (status, answer["order"]["status"]) == (200, "filled")
    _, answer = await desk.call("GET", f"/v1/fills?order_id={answer['order']['order_id']}")
    return answer["fills"][-1]


async def test_the_market_says_what_it_is(desk: Desk) -> None:
    _, answer = await desk.call("GET", "/v1/markets")
    (market,) = answer["markets"]
    assert {name: market[name] for name in ("symbol", "instrument", "base", "quote", "settle")} == {
        "symbol": SYMBOL,
        "instrument": "linear_perpetual",
        "base": "ETH",
        "quote": "USDT",
        "settle": "USDT",
    }
    assert [market[name] for name in ("contract_value", "initial_margin", "tick", "lot_step", "min_size")] == [
        "0.1",
        "0.2",
        "0.01",
        "0.01",
        "0.01",
    ]
    assert (market["maker_fee"], market["taker_fee"], market["funding_interval_s"]) == ("0.00008", "0.0005", 28_800)


async def test_fills_positions_balances_and_what_they_settle(venue: RunningVenue, desk: Desk) -> None:
    assert (await desk.call("GET", "/v1/positions"))[1] == {"positions": []}
    opened = await take(desk, "one", "buy", "10")
    # 2000.01 × 10 × 0.1 × 0.0005
    assert (D(opened["fee"]), opened["fee_asset"], opened["realised_pnl"]) == (D("1.000005"), "USDT", "0")
    _, answer = await desk.call("GET", f"/v1/positions?symbol={IN_QUERY}")
    (position,) = answer["positions"]
    assert position.pop("updated_ms") == opened["ts_ms"]
    assert position == {
        "symbol": SYMBOL,
        "size": "10",
        "entry_price": "2000.01",
        "mark_price": "2000.005",
        "unrealised_pnl": "-0.005",
        "realised_pnl": "0",
        "initial_margin": "400.002",
    }
    closed = await take(desk, "two", "sell", "4")
    assert closed["realised_pnl"] == "-0.004"  # 4 × 0.1 × (2000.00 − 2000.01)
    await take(desk, "three", "sell", "6")
    (flat,) = (await desk.call("GET", "/v1/positions"))[1]["positions"]
    assert (flat["size"], flat["entry_price"], flat["realised_pnl"], flat["initial_margin"]) == (
        "0",
        None,
        "-0.01",
        "0",
    )
    _, answer = await desk.call("GET", "/v1/balances")
    (usdt,) = answer["balances"]
    # fees: 1.000005 + 0.4 + 0.6
    assert (usdt["asset"], D(usdt["total"]), D(usdt["held"])) == ("USDT", D("9997.989995"), 0)


async def test_margin_is_held_and_its_want_is_refused(desk: Desk) -> None:
    order = {"symbol": SYMBOL, "side": "buy", "type": "post_only", "price": "1999.00", "size": "100"}
    assert (await desk.place("rests", **order))[0] == 200
    _, answer = await desk.call("GET", "/v1/balances")
    assert [D(answer["balances"][0][name]) for name in ("held", "free")] == [D("4007.995"), D("5992.005")]
    status, answer = await desk.place("more", **{**order, "size": "200"})
    assert (status, answer["error"]["code"]) == (409, "insufficient_margin")
    change = {"symbol": SYMBOL, "client_order_id": "rests", "size": "300"}
    status, answer = await desk.call("PUT", "/v1/orders", change)
    assert (status, answer["error"]["code"]) == (409, "insufficient_margin")
    assert (await desk.call("PUT", "/v1/orders", {**change, "size": "90"}))[0] == 200
    assert (await desk.call("DELETE", f"/v1/orders?symbol={IN_QUERY}&client_order_id=rests"))[0] == 200
    _, answer = await desk.call("GET", "/v1/balances")
    assert D(answer["balances"][0]["held"]) == 0


async def test_funding_has_its_own_history_and_is_no_transfer(venue: RunningVenue, desk: Desk) -> None:
    await take(desk, "one", "sell", "10")
    for rate in ("0.0001", "-0.0003", "0.0002"):
        venue.pay_funding(rate)
    _, answer = await desk.call("GET", f"/v1/funding?symbol={IN_QUERY}&limit=2")
    first, second = answer["funding"]
    assert (first["amount"], first["rate"], first["asset"], first["size"]) == ("0.2000005", "0.0001", "USDT", "-10")
    assert (second["amount"], second["mark_price"], second["symbol"]) == ("-0.6000015", "2000.005", SYMBOL)
    assert second["funding_ms"] - first["funding_ms"] == 28_800_000
    assert first["funding_ms"] % 28_800_000 == 0
    assert answer["next_after"] == second["seq"] > first["seq"]
    _, answer = await desk.call("GET", f"/v1/funding?after={second['seq']}")
    assert [row["amount"] for row in answer["funding"]] == ["0.400001"]
    assert len({row["funding_id"] for row in [first, second, *answer["funding"]]}) == 3
    late = answer["funding"][0]["ts_ms"] + 60_000
    assert (await desk.call("GET", f"/v1/funding?since_ms={late}"))[1] == {"funding": [], "next_after": 0}
    _, answer = await desk.call("GET", "/v1/transfers")
    assert [row["transfer_id"] for row in answer["transfers"]] == ["first-quote"]
    _, export = await desk.call("GET", "/v1/export")
    assert [row["amount"] for row in export["funding"]] == ["0.2000005", "-0.6000015", "0.400001"]
    assert [(row["symbol"], row["size"]) for row in export["positions"]] == [(SYMBOL, "-10")]


async def test_the_funding_rate_is_public(venue: RunningVenue, http: aiohttp.ClientSession) -> None:
    url = f"{venue.base_url}/v1/funding-rate?symbol={IN_QUERY}"
    async with http.get(url) as answer:
        before = await answer.json()
    assert (before["last_rate"], before["last_funding_ms"], before["interval_s"]) == (None, None, 28_800)
    assert before["funding_ms"] % 28_800_000 == 0
    assert 0 < before["funding_ms"] - before["ts_ms"] <= 28_800_000
    assert before["next_funding_ms"] == before["funding_ms"] + 28_800_000
    venue.pay_funding("-0.0001")
    async with http.get(url) as answer:
        after = await answer.json()
    assert (after["last_rate"], after["rate"], after["mark_price"]) == ("-0.0001", "-0.0001", "2000.005")
    assert (after["last_funding_ms"], after["funding_ms"]) == (before["funding_ms"], before["next_funding_ms"])
    async with http.get(f"{venue.base_url}/v1/funding-rate?symbol=DCT%2FUSDT") as answer:
        assert answer.status == 404


async def test_streams_of_rate_funding_positions_and_fills(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json({"op": "subscribe", "id": 1, "channel": "funding_rate", "symbol": SYMBOL})
        at_once = await receive(stream, "funding_rate")
        assert (at_once["symbol"], at_once["last_rate"]) == (SYMBOL, None)
        await own(stream, desk, "positions", "fills", "funding")
        await take(desk, "one", "buy", "2.5")
        assert (await receive(stream, "fill"))["fill"]["realised_pnl"] == "0"
        position = (await receive(stream, "position"))["position"]
        assert (position["size"], position["entry_price"]) == ("2.5", "2000.01")
        venue.pay_funding("0.0001")
        payment = (await receive(stream, "funding"))["funding"]
        assert payment["amount"] == "-0.05000012"  # −2.5 × 0.1 × 2000.005 × 0.0001 = −0.050000125, half to even
        assert (await receive(stream, "funding_rate"))["last_rate"] == "0.0001"
        venue.pay_funding("0.0002")
        second = (await receive(stream, "funding"))["funding"]
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await log_in(stream, desk)
        await stream.send_json({"op": "subscribe", "id": 2, "channel": "funding", "after": payment["seq"]})
        assert (await receive(stream, "funding"))["funding"] == second


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"op": "subscribe", "channel": "funding"}, "login_required"),
        ({"op": "subscribe", "channel": "positions"}, "login_required"),
        ({"op": "subscribe", "channel": "funding_rate", "symbol": "NO/WHERE"}, "unknown_symbol"),
        ({"op": "subscribe", "channel": "funding_rate"}, "missing_parameter"),
    ],
)
async def test_refused_subscriptions(venue: RunningVenue, desk: Desk, request_: dict, code: str) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json({**request_, "id": 9})
        answer = await receive(stream, "error")
        assert (answer["id"], answer["code"]) == (9, code)


async def test_spot_markets_have_no_funding(http: aiohttp.ClientSession) -> None:
    async with running_venue("dex", markets=["DCT/USDT", SYMBOL]) as venue:
        async with http.get(f"{venue.base_url}/v1/funding-rate?symbol=DCT%2FUSDT") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "bad_request")
        async with http.ws_connect(venue.ws_url) as stream:
            await stream.send_json({"op": "subscribe", "id": 1, "channel": "funding_rate", "symbol": "DCT/USDT"})
            assert (await receive(stream, "error"))["code"] == "bad_request"


async def test_markets_are_chosen_and_their_deposits_do_not_add_up() -> None:
    totals = {}
    for name, markets in (("dex", [SYMBOL]), ("dex", ["DCT/USDT", SYMBOL]), ("cex", []), ("dex", [])):
        async with running_venue(name, markets=markets) as venue:
            listed = tuple(venue.exchange.instruments)
            totals[listed] = {balance.asset: int(balance.total) for balance in venue.exchange.balances("desk")}
    assert totals == {
        (SYMBOL,): {"USDT": 50_000},
        ("DCT/USDT", SYMBOL): {"DCT": 200_000, "USDT": 100_000},
        ("GRAM/USDT", SYMBOL): {"GRAM": 20_000, "USDT": 50_000},
        ("DCT/USDT",): {"DCT": 200_000, "USDT": 100_000},
    }


async def test_the_control_door_sets_the_rate_and_withdraws(
    venue: RunningVenue, desk: Desk, operator: Operator
) -> None:
    status, answer = await operator.call("PUT", "/control/funding", {"symbol": SYMBOL, "rate": "-0.0002"})
    assert (status, answer["rate"]) == (200, "-0.0002")
    await take(desk, "one", "buy", "10")
    venue.pay_funding()
    assert venue.exchange.funding("desk")[-1].amount == D("0.400001")
    status, answer = await operator.call("PUT", "/control/funding", {"symbol": SYMBOL, "rate": None})
    assert (status, answer["last_rate"]) == (200, "-0.0002")
    _, before = await operator.call("GET", "/control/totals")
    wish = {"account": "desk", "asset": "USDT", "amount": "9000", "transfer_id": "w-1"}
    for _ in range(2):  # the same id books once
        assert (await operator.call("POST", "/control/withdraw", wish))[0] == 200
    assert venue.exchange.transfers("desk")[-1].amount == D(-9000)
    _, after = await operator.call("GET", "/control/totals")
    assert D(before["USDT"]) - D(after["USDT"]) == 9000
    status, answer = await operator.call("POST", "/control/withdraw", {**wish, "amount": "600", "transfer_id": "w-2"})
    assert (status, answer["error"]["code"]) == (409, "insufficient_balance")  # 400.002 are in use as margin
    _, export = await operator.call("GET", "/control/export?account=desk")
    assert (len(export["funding"]), len(export["positions"])) == (1, 1)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/control/funding", {"symbol": SYMBOL}),
        ("PUT", "/control/funding", {"symbol": SYMBOL, "rate": 0.0001}),
        ("PUT", "/control/funding", {"symbol": SYMBOL, "rate": "1"}),
        ("PUT", "/control/funding", {"symbol": SYMBOL, "rate": "--1"}),
        ("POST", "/control/withdraw", {"account": "desk", "asset": "USDT", "amount": "-1", "transfer_id": "x"}),
    ],
)
async def test_bad_control_requests(operator: Operator, method: str, path: str, body: object) -> None:
    status, answer = await operator.call(method, path, body)
    assert (status, bool(answer["error"]["message"])) == (400, True)


async def test_a_recorded_print_fills_contracts(venue: RunningVenue, desk: Desk) -> None:
    await desk.place("rests", symbol=SYMBOL, side="buy", price="2000.00", size="3.25")
    venue.play(RecordTrade(0, Side.SELL, D("1999.99"), D("1.25")))
    _, answer = await desk.call("GET", "/v1/order?client_order_id=rests")
    assert (answer["order"]["filled"], answer["order"]["remaining"]) == ("1.25", "2.00")
    _, answer = await desk.call("GET", f"/v1/trades?symbol={IN_QUERY}")
    assert [(row["price"], row["size"]) for row in answer["trades"]] == [("2000.00", "1.25")]
