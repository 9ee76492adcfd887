"""The TON-DEX WebSocket: snapshot and sequenced deltas, prints, own orders and fills."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk, open_market, sell_through
from trading.sandbox.server.dex_stream import MAX_MISSED
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.streams import OUTBOX_LIMIT
from trading.sandbox.server.testing import RunningVenue

Stream = aiohttp.ClientWebSocketResponse
BOOK = {"op": "subscribe", "id": 1, "channel": "book", "symbol": "DCT/USDT"}


async def receive(stream: Stream, kind: str, timeout_s: float = 3.0) -> dict:
    """The next message of that type; others are passed over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        message = await stream.receive_json(timeout=timeout_s)
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


async def log_in(stream: Stream, desk: Desk) -> None:
    headers = desk.sign("GET", "/v1/stream")
    fields = {"key": headers["TDX-KEY"], "timestamp": headers["TDX-TIMESTAMP"], "signature": headers["TDX-SIGNATURE"]}
    await stream.send_json({"op": "login", "id": 3, **fields})
    assert await receive(stream, "logged_in") == {"type": "logged_in", "id": 3}


async def own(stream: Stream, desk: Desk, *channels: str) -> None:
    await log_in(stream, desk)
    for channel in channels:
        await stream.send_json({"op": "subscribe", "id": channel, "channel": channel})
        assert (await receive(stream, "subscribed"))["id"] == channel


def apply(book: dict[str, dict[str, str]], message: dict) -> None:
    for side in ("bids", "asks"):
        for price, size in message[side]:
            if Decimal(size):
                book[side][price] = size
            else:
                book[side].pop(price, None)


async def test_a_book_kept_from_deltas_equals_the_venues(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json(BOOK)
        answer = await receive(stream, "subscribed")
        assert answer == {"type": "subscribed", "id": 1, "channel": "book", "symbol": "DCT/USDT"}
        snapshot = await receive(stream, "book_snapshot")
        book: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        apply(book, snapshot)
        seq = snapshot["seq"]
        await desk.place("a")
        await desk.place("b", side="sell", price="0.269390")
        await desk.call("DELETE", "/v1/orders/all")
        open_market(venue, Decimal("0.269310"), Decimal("0.269410"))
        final = venue.exchange.book("DCT/USDT")
        while seq < final.seq:
            delta = await receive(stream, "book_delta")
            assert delta["prev_seq"] == seq
            seq = delta["seq"]
            apply(book, delta)
        assert book == {"bids": {"0.269310": "500"}, "asks": {"0.269410": "500"}}


async def test_prints_own_orders_and_own_fills(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await own(stream, desk, "orders", "fills")
        await stream.send_json({"op": "subscribe", "id": 2, "channel": "trades", "symbol": "DCT/USDT"})
        await receive(stream, "subscribed")
        await desk.place("q-1")
        assert (await receive(stream, "order"))["order"]["status"] == "open"
        sell_through(venue, "0.269310", "20.0")
        messages = [await stream.receive_json(timeout=3) for _ in range(3)]
        by_type = {message["type"]: message for message in messages}
        assert set(by_type) == {"trade", "order", "fill"}
        assert (by_type["trade"]["side"], by_type["trade"]["price"]) == ("sell", "0.269310")
        assert by_type["order"]["order"]["status"] == "partially_filled"
        assert by_type["fill"]["fill"]["client_order_id"] == "q-1"


async def test_own_data_needs_a_login_with_a_right_signature(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json({"op": "subscribe", "id": 4, "channel": "fills"})
        assert (await receive(stream, "error"))["code"] == "login_required"
        login = {"op": "login", "id": 5, "key": desk.key_id, "timestamp": str(int(time.time() * 1000))}
        await stream.send_json({**login, "signature": "0" * 64})
        assert (await receive(stream, "error"))["code"] == "invalid_signature"
        await desk.place("q-1")
        sell_through(venue, "0.269310", "20.0")
        await stream.send_json({"op": "ping", "id": 6})
        assert (await stream.receive_json(timeout=3))["type"] == "pong"  # and nothing of ours before it


async def test_missed_fills_are_replayed_from_a_cursor(venue: RunningVenue, desk: Desk) -> None:
    await desk.place("q-1")
    for _ in range(3):
        sell_through(venue, "0.269310", "10.0")
    first = venue.exchange.fills("desk")[0].seq
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await log_in(stream, desk)
        await stream.send_json({"op": "subscribe", "id": 1, "channel": "fills", "after": first})
        await receive(stream, "subscribed")
        seen = [(await receive(stream, "fill"))["fill"]["seq"] for _ in range(2)]
        sell_through(venue, "0.269310", "10.0")
        seen.append((await receive(stream, "fill"))["fill"]["seq"])
    assert seen == [fill.seq for fill in venue.exchange.fills("desk")][1:]


async def test_unsubscribe_ends_a_channel(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json(BOOK)
        await receive(stream, "book_snapshot")
        await stream.send_json({**BOOK, "op": "unsubscribe", "id": 2})
        await receive(stream, "unsubscribed")
        await desk.place("q-1")
        await stream.send_json({"op": "ping", "id": 3})
        assert (await stream.receive_json(timeout=3))["type"] == "pong"


async def test_a_lost_delta_shows_as_a_gap_and_a_new_subscription_heals_it(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json(BOOK)
        seq = (await receive(stream, "book_snapshot"))["seq"]
        venue.faults.add(FaultRule(FaultKind.BOOK_GAP, count=1))
        await desk.place("a")
        await desk.place("b", price="0.269320")
        delta = await receive(stream, "book_delta")
        assert delta["prev_seq"] > seq
        await stream.send_json(BOOK)
        snapshot = await receive(stream, "book_snapshot")
        assert ["0.269310", "120.0"] in snapshot["bids"]
        assert venue.faults.applied["book_gap"] == 1


async def test_a_stale_book_stops_while_the_connection_lives(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json(BOOK)
        await receive(stream, "book_snapshot")
        rule = venue.faults.add(FaultRule(FaultKind.STALE_BOOK, endpoint="stream.book"))
        await desk.place("a")
        await stream.send_json({"op": "ping", "id": 3})
        assert (await stream.receive_json(timeout=3))["type"] == "pong"
        venue.faults.remove(rule)
        await desk.place("b", price="0.269320")
        assert (await receive(stream, "book_delta"))["bids"] == [["0.269320", "120.0"]]


async def test_duplicate_and_reordered_fills(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await own(stream, desk, "fills")
        await desk.place("q-1")
        venue.faults.add(FaultRule(FaultKind.DUPLICATE_FILL, count=1))
        sell_through(venue, "0.269310", "10.0")
        twice = [await receive(stream, "fill") for _ in range(2)]
        assert twice[0] == twice[1]
        venue.faults.add(FaultRule(FaultKind.REORDER_FILL, count=1))
        sell_through(venue, "0.269310", "11.0")
        sell_through(venue, "0.269310", "12.0")
        assert [(await receive(stream, "fill"))["fill"]["size"] for _ in range(2)] == ["12.0", "11.0"]
        venue.faults.add(FaultRule(FaultKind.REORDER_FILL, count=1))
        sell_through(venue, "0.269310", "13.0")  # no next one: it comes by itself after a moment
        assert (await receive(stream, "fill"))["fill"]["size"] == "13.0"


async def test_a_dropped_stream(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json(BOOK)
        await receive(stream, "book_snapshot")
        venue.faults.add(FaultRule(FaultKind.STREAM_DROP, endpoint="stream.book", count=1))
        await desk.place("a")
        ended = await stream.receive(timeout=3)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await stream.send_json({"op": "ping", "id": 1})
        await receive(stream, "pong")
        assert await venue.drop_streams() == 1
        ended = await stream.receive(timeout=3)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_only_upgrades_are_taken_on_the_stream_path(venue: RunningVenue, http: aiohttp.ClientSession) -> None:
    async with http.get(venue.base_url + "/v1/stream") as answer:
        assert answer.status == 426
    async with http.ws_connect(venue.ws_url) as stream:
        await stream.send_bytes(json.dumps(BOOK).encode())
        closed = await stream.receive(timeout=3)
        assert (closed.type, stream.close_code) == (aiohttp.WSMsgType.CLOSE, 1003)


@pytest.mark.parametrize("size", [70_000])
async def test_a_giant_frame_closes_the_stream(venue: RunningVenue, http: aiohttp.ClientSession, size: int) -> None:
    async with http.ws_connect(venue.ws_url) as stream:
        await stream.send_str("x" * size)
        closed = await stream.receive(timeout=3)
        assert (closed.type, stream.close_code) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_a_client_that_falls_too_far_behind_is_disconnected(venue: RunningVenue, desk: Desk) -> None:
    async with desk.session.ws_connect(venue.ws_url) as slow, desk.session.ws_connect(venue.ws_url) as other:
        await slow.send_json({"op": "subscribe", "id": 1, "channel": "trades", "symbol": "DCT/USDT"})
        await receive(slow, "subscribed")
        for _ in range(OUTBOX_LIMIT + 1):  # without letting the writer run
            sell_through(venue, "0.269300", "0.1")
        await other.send_json({"op": "ping", "id": 2})
        await receive(other, "pong")
        async for _ in slow:
            pass
        assert slow.closed
        assert len(venue.hub) == 1


async def test_a_cursor_too_far_back_is_sent_to_rest(venue: RunningVenue, desk: Desk) -> None:
    await desk.place("q-1", size="30000.0")
    for _ in range(MAX_MISSED + 1):
        sell_through(venue, "0.269310", "10.0")
    async with desk.session.ws_connect(venue.ws_url) as stream:
        await log_in(stream, desk)
        await stream.send_json({"op": "subscribe", "id": 1, "channel": "fills", "after": 0})
        assert (await receive(stream, "error"))["code"] == "too_far_behind"
        await stream.send_json({"op": "subscribe", "id": 2, "channel": "fills", "after": 1})
        assert [(await receive(stream, "fill"))["fill"]["seq"] for _ in range(MAX_MISSED)][-1] == MAX_MISSED + 1
