"""Sockets of the real web server: prepared frames, compressed for who asks, and an end for who does not read."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dcmm_portal.live_sockets import protocol
from dcmm_portal.live_sockets.outlet import AsgiOutlet, Outlet, Prepared, outlet_of
from dcmm_portal.live_sockets.places import Limits, Places, limited
from dcmm_portal.live_sockets.protocol import LiveSocketProtocol
from trading.clock import FakeClock

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy:pytest.PytestDeprecationWarning")
LONG = Prepared("m", '{"mid": "0.2365"}' * 200)


@pytest.fixture(
    scope="module", params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: Any) -> Any:
    """The web server runs on uvloop, whose transports are not asyncio's."""
    return request.param


class Application:
    """Accepts, keeps the outlet, waits for the end."""

    def __init__(self) -> None:
        self.outlets: asyncio.Queue[Outlet] = asyncio.Queue()
        self.ends: asyncio.Queue[int] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        self.outlets.put_nowait(outlet_of(scope, send))
        while (message := await receive())["type"] != "websocket.disconnect":
            pass
        self.ends.put_nowait(message.get("code", 0))


class Served:
    def __init__(self, port: int, application: Application) -> None:
        self.port, self.application = port, application
        self.address = f"ws://127.0.0.1:{port}/"

    async def outlet(self) -> Outlet:
        return await asyncio.wait_for(self.application.outlets.get(), 5)


async def serving(application: Any, ws: Any) -> AsyncIterator[int]:
    config = uvicorn.Config(application, port=0, log_level="error", lifespan="off", ws=ws, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    await running


@pytest.fixture(params=["ours", "plain"])
async def served(request: Any) -> AsyncIterator[Served]:
    """Our protocol, and the server's own for what must work with any."""
    application = Application()
    async for port in serving(application, LiveSocketProtocol if request.param == "ours" else "websockets-sansio"):
        yield Served(port, application)


@pytest.fixture
async def ours() -> AsyncIterator[Served]:
    application = Application()
    async for port in serving(application, LiveSocketProtocol):
        yield Served(port, application)


async def written(outlet: Outlet, message: Prepared) -> None:
    """Write when it may be written."""
    while not outlet.write(message):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_what_is_written_arrives_whole_and_in_order(served: Served, compression: str | None) -> None:
    async with connect(served.address, compression=compression) as client:
        outlet = await served.outlet()
        for number in range(50):
            await written(outlet, Prepared("m", f"{number} {LONG.asgi['text']}"))
        for number in range(50):
            assert await asyncio.wait_for(client.recv(), 5) == f"{number} {LONG.asgi['text']}"


async def test_a_frame_is_compressed_once_for_all_who_agreed_and_plain_for_others(ours: Served) -> None:
    message = Prepared("m", LONG.asgi["text"])
    async with (
        connect(ours.address) as first,
        connect(ours.address) as second,
        connect(ours.address, compression=None) as plain,
    ):
        outlets = [await ours.outlet() for _ in range(3)]
        for outlet in outlets:
            assert outlet.write(message)
        for client in (first, second, plain):
            assert await client.recv() == LONG.asgi["text"]
    assert set(message._frames) == {True, False}
    assert len(message._frames[True]) < 100 < len(message._frames[False])
    # No compressor of its own for any connection.
    assert all(not hasattr(one, "encoder") and not hasattr(one, "decoder") for one in outlets[0].conn.extensions)


async def test_a_client_with_a_smaller_window_gets_what_it_can_read(ours: Served) -> None:
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

    small = ClientPerMessageDeflateFactory(server_max_window_bits=9)
    async with connect(ours.address, compression=None, extensions=[small]) as client:
        outlet = await ours.outlet()
        assert outlet.write(LONG)
        assert await client.recv() == LONG.asgi["text"]


async def deaf(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that opens a socket and then reads nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    return reader, writer


async def filled(outlet: Outlet) -> int:
    """Write until nothing more is taken; how many bytes that were."""
    big = Prepared("m", "x" * 60_000)
    for count in range(10_000):
        if not outlet.write(big):
            # An outlet of ASGI has one message under way: it is full once that does not end.
            await asyncio.sleep(0.05)
            if not outlet.write(big):
                return count * 60_000
    raise AssertionError("it never got full")


async def test_a_deaf_client_fills_a_bounded_buffer_and_nobody_waits(ours: Served) -> None:
    client = await deaf(ours.port)
    outlet = await ours.outlet()
    await filled(outlet)
    # Beside the kernel's: the limit and the one message that passed it.
    assert outlet.transport.get_write_buffer_size() <= protocol.BUFFER_BYTES + 61_000
    assert outlet.write(LONG) is False
    client[1].close()


async def test_a_deaf_client_is_cut_off_and_its_end_is_told(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "DROP_WITHIN_S", 0.1)
    client = await deaf(ours.port)
    outlet = await ours.outlet()
    await filled(outlet)
    outlet.drop(1013)
    await asyncio.wait_for(ours.application.ends.get(), 5)
    assert outlet.write(LONG) is True  # to nobody
    outlet.drop(1013)  # again, to no effect
    client[1].close()


async def test_a_slow_client_that_reads_again_learns_why(served: Served) -> None:
    async with connect(served.address, compression=None) as client:
        outlet = await served.outlet()
        await written(outlet, LONG)
        await asyncio.sleep(0.05)
        outlet.drop(1013)
        assert await client.recv() == LONG.asgi["text"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
    await asyncio.wait_for(served.application.ends.get(), 5)


async def test_who_reads_again_is_written_to_again(served: Served) -> None:
    reader, writer = await deaf(served.port)
    outlet, again = await served.outlet(), asyncio.Event()
    outlet.when_writable(again.set)
    await filled(outlet)
    again.clear()
    writer.transport.resume_reading()

    async def read() -> None:
        while await reader.read(65_536):
            pass

    reading = asyncio.create_task(read())
    await asyncio.wait_for(again.wait(), 5)
    assert outlet.write(LONG)
    reading.cancel()
    writer.close()


async def test_writing_to_a_client_that_left_raises_nothing(served: Served) -> None:
    async with connect(served.address) as client:
        outlet = await served.outlet()
        await client.close()
    await asyncio.wait_for(served.application.ends.get(), 5)
    outlet.write(LONG)
    await asyncio.sleep(0.05)
    outlet.drop(1013)
    await asyncio.sleep(0.05)


async def test_who_gets_no_place_reads_why() -> None:
    application = limited(Application(), Places("tested", Limits(0, 9, 9), FakeClock()))
    async for port in serving(application, LiveSocketProtocol):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}/")
        answer = refused.value.response
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert b'"code": "sockets_full"' in (answer.body or b"")


async def test_only_one_message_of_an_asgi_outlet_is_under_way() -> None:
    gate, sent = asyncio.Event(), []

    async def send(message: Any) -> None:
        await gate.wait()
        sent.append(message["text"])

    outlet, tried = AsgiOutlet(send), []
    outlet.when_writable(lambda: tried.append(1))
    assert [outlet.write(Prepared("a", "1")), outlet.write(Prepared("a", "2"))] == [True, False]
    gate.set()
    await asyncio.sleep(0.01)
    assert (sent, tried) == (["1"], [1])


async def test_pongs_to_a_client_that_reads_nothing_are_not_kept(ours: Served) -> None:
    client = await deaf(ours.port)
    outlet = await ours.outlet()
    await filled(outlet)
    before = outlet.transport.get_write_buffer_size()
    ping = b"\x89\xfd\0\0\0\0" + b"p" * 125
    for _ in range(200):
        client[1].write(ping * 100)
        await client[1].drain()
    await asyncio.sleep(0.1)
    assert outlet.transport.get_write_buffer_size() == before
    client[1].close()


async def test_a_client_that_reads_gets_its_pongs(ours: Served) -> None:
    async with connect(ours.address) as client:
        for _ in range(3):
            await asyncio.wait_for(await client.ping(), 5)
