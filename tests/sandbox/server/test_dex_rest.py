"""The TON-DEX dialect does what docs/sandbox-venue.md says."""

from __future__ import annotations

import time

import pytest

from tests.sandbox.server.desk import Desk, open_market, sell_through
from trading.sandbox.server.testing import RunningVenue

MARKET_KEYS = {
    "symbol",
    "kind",
    "base",
    "quote",
    "tick",
    "lot_step",
    "min_size",
    "min_notional",
    "maker_fee",
    "taker_fee",
    "fee_mode",
    "price_band",
    "status",
    "label",
    "instrument",
    "contract_value",
    "settle",
    "initial_margin",
    "funding_interval_s",
}


async def test_public_endpoints_need_no_signature(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.get(f"{venue.base_url}/v1/markets") as answer:
        markets = (await answer.json())["markets"]
    assert [set(market) for market in markets] == [MARKET_KEYS]
    assert (markets[0]["symbol"], markets[0]["tick"], markets[0]["kind"]) == ("DCT/USDT", "0.000001", "order_book")
    perpetual_only = ("instrument", "contract_value", "settle", "initial_margin", "funding_interval_s")
    assert [markets[0][name] for name in perpetual_only] == ["spot", "1", "", "", None]
    async with desk.session.get(f"{venue.base_url}/v1/time") as answer:
        assert abs((await answer.json())["time_ms"] - time.time() * 1000) < 2000
    async with desk.session.get(f"{venue.base_url}/v1/book?symbol=DCT%2FUSDT") as answer:
        book = await answer.json()
    assert (book["bids"], book["asks"]) == ([["0.269300", "500"]], [["0.269400", "500"]])


async def test_an_order_lives_from_placement_to_fill(venue: RunningVenue, desk: Desk) -> None:
    status, answer = await desk.place("q-1")
    assert status == 200
    placed = answer["order"]
    assert (placed["status"], placed["remaining"], placed["avg_price"]) == ("open", "120.0", None)
    sell_through(venue, "0.269310", "20.0")
    _, answer = await desk.call("GET", "/v1/order?client_order_id=q-1")
    assert (answer["order"]["status"], answer["order"]["filled"]) == ("partially_filled", "20.0")
    _, answer = await desk.call("GET", "/v1/fills?symbol=DCT%2FUSDT&after=0")
    (fill,) = answer["fills"]
    assert (fill["price"], fill["size"], fill["side"], fill["liquidity"]) == ("0.269310", "20.0", "buy", "maker")
    assert (fill["order_id"], fill["client_order_id"], fill["fee_asset"]) == (placed["order_id"], "q-1", "USDT")
    assert float(fill["fee"]) == pytest.approx(0.26931 * 20 * 0.00005)
    assert fill["realised_pnl"] is None
    assert answer["next_after"] == fill["seq"]
    _, answer = await desk.call("GET", f"/v1/fills?after={fill['seq']}")
    assert answer == {"fills": [], "next_after": fill["seq"]}
    _, answer = await desk.call("GET", "/v1/balances")
    totals = {row["asset"]: row["total"] for row in answer["balances"]}
    assert float(totals["DCT"]) == 200020.0


async def test_a_repeated_placement_is_refused_and_changes_nothing(desk: Desk) -> None:
    assert (await desk.place("q-1"))[0] == 200
    status, answer = await desk.place("q-1")
    assert (status, answer["error"]["code"]) == (409, "duplicate_client_order_id")
    _, answer = await desk.call("GET", "/v1/orders/open")
    assert len(answer["orders"]) == 1


async def test_amend_and_cancel(desk: Desk) -> None:
    _, placed = await desk.place("q-1")
    change = {"symbol": "DCT/USDT", "client_order_id": "q-1", "price": "0.269305", "size": "80.0"}
    status, answer = await desk.call("PUT", "/v1/orders", change)
    assert status == 200
    assert (answer["order"]["price"], answer["order"]["size"]) == ("0.269305", "80.0")
    assert answer["order"]["order_id"] == placed["order"]["order_id"]
    path = f"/v1/orders?symbol=DCT%2FUSDT&order_id={placed['order']['order_id']}"
    status, answer = await desk.call("DELETE", path)
    assert (status, answer["order"]["status"], answer["order"]["cancel_reason"]) == (200, "cancelled", "user")
    status, answer = await desk.call("DELETE", path)
    assert (status, answer["error"]["code"]) == (409, "order_already_done")


async def test_cancel_all_and_the_dead_mans_switch(venue: RunningVenue, desk: Desk) -> None:
    await desk.place("a")
    await desk.place("b", side="sell", price="0.269390")
    status, answer = await desk.call("DELETE", "/v1/orders/all?symbol=DCT%2FUSDT")
    assert (status, len(answer["orders"])) == (200, 2)
    await desk.place("c")
    _, answer = await desk.call("POST", "/v1/cancel-after", {"timeout_s": 0.05})
    assert abs(answer["trigger_ms"] - time.time() * 1000) < 1000
    deadline = time.monotonic() + 3
    while venue.exchange.open_orders("desk") and time.monotonic() < deadline:
        _, answer = await desk.call("GET", "/v1/order?client_order_id=c")
    _, answer = await desk.call("GET", "/v1/order?client_order_id=c")
    assert (answer["order"]["status"], answer["order"]["cancel_reason"]) == ("cancelled", "cancel_after")
    assert (await desk.call("POST", "/v1/cancel-after", {"timeout_s": 0}))[1] == {"trigger_ms": None}


async def test_history_and_transfers_page_with_a_cursor(desk: Desk) -> None:
    for number in range(5):
        await desk.place(f"q-{number}")
    seen, after = [], 0
    while True:
        _, answer = await desk.call("GET", f"/v1/orders/history?after={after}&limit=2")
        if not answer["orders"]:
            break
        seen += [order["client_order_id"] for order in answer["orders"]]
        after = answer["next_after"]
    assert seen == ["q-0", "q-1", "q-2", "q-3", "q-4"]
    _, answer = await desk.call("GET", "/v1/transfers?limit=1")
    assert (answer["transfers"][0]["asset"], answer["transfers"][0]["amount"]) == ("DCT", "200000")
    _, answer = await desk.call("GET", "/v1/export")
    assert [len(answer[name]) for name in ("orders", "fills", "transfers", "balances")] == [5, 0, 2, 2]


async def test_a_passed_deadline_is_refused_on_the_venues_clock(venue: RunningVenue, desk: Desk) -> None:
    now_ms = int(time.time() * 1000)
    status, answer = await desk.place("late", deadline_ms=now_ms - 50)
    assert (status, answer["error"]["code"]) == (409, "deadline_passed")
    assert (await desk.place("in-time", deadline_ms=now_ms + 4000))[0] == 200
    venue.clock.skew_s = 4.5  # the venue's clock is ahead of ours: what was in time no longer is
    status, answer = await desk.place("skewed", deadline_ms=now_ms + 4000)
    assert (status, answer["error"]["code"]) == (409, "deadline_passed")
    change = {"symbol": "DCT/USDT", "client_order_id": "in-time", "size": "60.0", "deadline_ms": now_ms + 4000}
    assert (await desk.call("PUT", "/v1/orders", change))[0] == 409


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price": "0.269400"}, 409, "post_only_would_take"),
        ({"price": "0.2693105"}, 400, "bad_price_tick"),
        ({"size": "120.05"}, 400, "bad_size_step"),
        ({"size": "0.1"}, 400, "below_minimum"),
        ({"price": "0.100000"}, 400, "outside_price_band"),
        ({"size": "9000000.0"}, 409, "insufficient_balance"),
        ({"client_order_id": "no blanks"}, 400, "bad_client_order_id"),
        ({"symbol": "GRAM/USDT"}, 404, "unknown_symbol"),
    ],
)
async def test_refusals_have_their_own_codes(desk: Desk, changes: dict, status: int, code: str) -> None:
    got, answer = await desk.place(**{"client_order_id": "q-1", **changes})
    assert (got, answer["error"]["code"]) == (status, code)
    assert (await desk.call("GET", "/v1/orders/open"))[1] == {"orders": []}


async def test_ioc_answers_with_its_final_state(venue: RunningVenue, desk: Desk) -> None:
    open_market(venue)
    status, answer = await desk.place("taker", type="ioc", price="0.269400", size="600.0")
    assert status == 200
    order = answer["order"]
    assert (order["status"], order["filled"], order["cancel_reason"]) == ("cancelled", "500", "ioc")
