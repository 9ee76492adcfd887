"""However a live socket ends, what was taken for it is given back."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

from dcmm_portal.live_sockets.protocol import LiveSocketProtocol
from disclosures import consumers
from disclosures.consumers import PublicConsumer
from governance.consumers import DeskConsumer
from tests.live.parts import Stage, settled
from tests.live.test_protocol import serving


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage()

    async def none_refused(places: object) -> frozenset[tuple[str, ...]]:
        return frozenset()

    monkeypatch.setattr(consumers, "public_hub", lambda: made.hub)
    monkeypatch.setattr(consumers, "refused_among", none_refused)
    return made


def masked(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize("ws", [LiveSocketProtocol, "websockets-sansio"], ids=["ours", "plain"])
@pytest.mark.parametrize(
    "frames",
    [
        masked(2, b"x") * 12,
        masked(2, b"x") * 200,
        masked(2, b"x") + masked(8, b"\x03\xe8"),
        masked(2, b"x") * 12 + masked(8, b"\x03\xe8"),
        masked(2, b"x") + b"\xff\xff\xff",
    ],
    ids=["flood", "great flood", "bad and gone", "flood and gone", "bad and broken"],
)
async def test_no_frames_of_a_client_keep_its_listener(
    stage: Stage, frames: bytes, ws: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async for port in serving(PublicConsumer.as_asgi(), ws):
        connections = [await opened(port) for _ in range(5)]
        while len(stage.hub._listeners) < 5:
            await settled(2)
        for _, writer in connections:
            writer.write(frames)
        await settled(20)
        for _, writer in connections:
            writer.transport.abort()
        for _ in range(100):
            await settled(2)
            if not stage.hub._listeners:
                break
        assert stage.hub._listeners == {}
    await stage.hub.close()
    if ws is LiveSocketProtocol:
        assert "Exception in ASGI application" not in caplog.text


class Layer:
    """As much of a channel layer as a consumer needs."""

    def __init__(self) -> None:
        self.discarded: list[str] = []

    async def new_channel(self) -> str:
        return "c"

    async def receive(self, channel: str) -> Any:
        await asyncio.Event().wait()

    async def group_add(self, group: str, channel: str) -> None:
        pass

    async def group_discard(self, group: str, channel: str) -> None:
        self.discarded.append(group)


async def test_a_desk_socket_that_fails_leaves_no_task_and_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, consumer = Layer(), DeskConsumer()
    monkeypatch.setattr("channels.consumer.get_channel_layer", lambda alias: layer)

    async def allowed() -> bool:
        return True

    async def nothing() -> None:
        pass

    monkeypatch.setattr(consumer, "_is_allowed", allowed)
    monkeypatch.setattr(consumer, "_send_snapshots", nothing)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": b"x"}):
        inbox.put_nowait(message)
    tasks: list[asyncio.Task[None]] = []

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            tasks.extend(consumer._tasks)
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await consumer({"type": "websocket", "query_string": b""}, inbox.get, send)
    await settled(5)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert layer.discarded == ["trading.markets", "trading.events"]
