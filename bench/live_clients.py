"""Many WebSocket clients in one process: as little work per message as can be, so that the server is what is measured.

`python -m bench.live_clients HOST:PORT PATH COUNT FILE`: prints "ready" when all are connected and were told something, and when
its standard input ends writes one JSON object into FILE: when each numbered message reached each client. The number of a message
is in the price that it tells (`price`); times are of the clock that all processes of a machine share (CLOCK_MONOTONIC, ns).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

# The price of message n is 0.77, n in six digits, and a 1 that keeps its zeros.
_NUMBER = re.compile(rb'^\{"type": "market".*?"mid": "0\.77(\d{6})1"')
AT_ONCE = 50
CONNECT_WITHIN_S = 60.0


def price(number: int) -> str:
    """The price by which clients know message `number`."""
    return f"0.77{number:06d}1"


class Client(asyncio.Protocol):
    """One socket: the handshake, then frames of a server (no masks, no compression, no parts)."""

    def __init__(self, request: bytes, heard: dict[int, list[int]]) -> None:
        self._request, self._heard = request, heard
        self._rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self._last = -1

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        self._rest = self._rest + data if self._rest else data
        if not self._is_open and not self._open():
            return
        while (frame := self._frame()) is not None:
            # A quiet market is told again: what counts is when it was told first.
            if (found := _NUMBER.search(frame)) is not None and int(found[1]) != self._last:
                self._last = int(found[1])
                self._heard.setdefault(int(found[1]), []).append(now_ns)
            if not self.told.done():
                self.told.set_result(None)

    def connection_lost(self, problem: Exception | None) -> None:
        for waiting in (self.opened, self.told):
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"lost: {problem}"))

    def _open(self) -> bool:
        head, separator, rest = self._rest.partition(b"\r\n\r\n")
        if not separator:
            return False
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self.opened.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
            return False
        self._is_open, self._rest = True, rest
        self.opened.set_result(None)
        return True

    def _frame(self) -> bytes | None:
        data = self._rest
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + length:
            return None
        self._rest = data[start + length :]
        return data[start : start + length]


def request(host: str, path: str) -> bytes:
    """An opening handshake as a browser sends it."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def run(address: str, path: str, count: int) -> dict[int, list[int]]:
    """Connect, say "ready", listen until standard input ends; receipts by message number."""
    host, port = address.split(":")
    loop, heard = asyncio.get_running_loop(), {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Client:
        async with gate:
            _, client = await loop.create_connection(lambda: Client(request(address, path), heard), host, int(port))
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await client.opened
                await client.told
            return client

    clients = await asyncio.gather(*(one() for _ in range(count)))
    print(f"ready {len(clients)}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    return heard


def allow_open_files() -> None:
    """As many sockets as the machine lets a process have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    import uvloop

    allow_open_files()
    found = uvloop.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(found))
