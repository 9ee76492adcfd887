"""Signed webhooks: in order, at least once, with the same event id, from where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.sandbox.server.desk import Desk, open_market, sell_through
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.server.webhooks import WebhookSender, WebhookTarget

SECRET = "webhook-secret"


class Receiver:
    """A webhook door that records what it gets and answers what it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.text()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    door = Receiver()
    app = web.Application()
    app.router.add_post("/hook", door.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield door
    await runner.cleanup()


async def until(condition: Callable[[], bool], timeout_s: float = 4.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


@pytest.fixture
async def hooked(receiver: Receiver, http: aiohttp.ClientSession) -> AsyncIterator[tuple[RunningVenue, Desk]]:
    async with running_venue("dex", webhook_url=receiver.url, webhook_secret=SECRET) as running:
        open_market(running)
        yield running, Desk(http, running)


async def test_a_fill_is_posted_with_a_right_signature(receiver: Receiver, hooked: tuple[RunningVenue, Desk]) -> None:
    venue, desk = hooked
    await desk.place("q-1")
    sell_through(venue, "0.269310", "20.0")
    await until(lambda: len(receiver.got) == 1)
    headers, body = receiver.got[0]
    message = f"{headers['TDX-TIMESTAMP']}\n{headers['TDX-EVENT-ID']}\n{body}".encode()
    assert headers["TDX-SIGNATURE"] == hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
    assert headers["TDX-EVENT-ID"] == "dex-fill-1"
    event = json.loads(body)
    assert (event["event_id"], event["type"], event["venue"]) == ("dex-fill-1", "fill", "dex")
    assert (event["fill"]["client_order_id"], event["fill"]["size"]) == ("q-1", "20.0")


async def test_it_repeats_with_the_same_event_id_until_taken(
    receiver: Receiver, hooked: tuple[RunningVenue, Desk]
) -> None:
    venue, desk = hooked
    receiver.answers = [500]
    await desk.place("q-1")
    sell_through(venue, "0.269310", "20.0")
    sell_through(venue, "0.269310", "30.0")
    await until(lambda: len(receiver.got) == 3)
    assert [headers["TDX-EVENT-ID"] for headers, _ in receiver.got] == ["dex-fill-1", "dex-fill-1", "dex-fill-2"]
    assert receiver.got[0][1] == receiver.got[1][1]


async def test_a_duplicate_on_demand(receiver: Receiver, hooked: tuple[RunningVenue, Desk]) -> None:
    venue, desk = hooked
    venue.faults.add(FaultRule(FaultKind.DUPLICATE_FILL, endpoint="webhook", count=1))
    await desk.place("q-1")
    sell_through(venue, "0.269310", "20.0")
    await until(lambda: len(receiver.got) == 2)
    assert receiver.got[0][1] == receiver.got[1][1]


async def test_it_goes_on_from_its_cursor_after_a_restart(
    receiver: Receiver, venue: RunningVenue, desk: Desk, tmp_path: Path
) -> None:
    target = WebhookTarget(receiver.url, SECRET, "desk", tmp_path / "webhook.cursor")
    await desk.place("q-1")
    for expected in (1, 2):
        sell_through(venue, "0.269310", "20.0")
        sender = asyncio.create_task(WebhookSender(venue.venue, target).run())
        await until(lambda wanted=expected: len(receiver.got) == wanted)
        await until(
            lambda wanted=expected: target.cursor_path.exists() and int(target.cursor_path.read_text()) == wanted
        )
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    assert [headers["TDX-EVENT-ID"] for headers, _ in receiver.got] == ["dex-fill-1", "dex-fill-2"]
