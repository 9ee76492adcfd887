"""Writing to one socket without ever waiting for its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import structlog
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

log = structlog.get_logger(__name__)

EXTENSION: Final = "dcmm.outlet"
# RFC 6455's registry: come again later.
TRY_AGAIN_LATER: Final = 1013
# Memory of a compressor is a matter of these; the same for every client, so that a frame is compressed once for all.
WINDOW_BITS: Final = 12
COMPRESSION: Final = {"memLevel": 5}


class Prepared:
    """A text made ready once for every socket of the process: as an ASGI message and as the bytes of its frame."""

    __slots__ = ("_frames", "asgi", "key")

    def __init__(self, key: str, text: str) -> None:
        self.key = key
        """What it is about: a newer text of the same key replaces one that still waits."""
        self.asgi: dict[str, str] = {"type": "websocket.send", "text": text}
        self._frames: dict[bool, bytes] = {}

    def frame(self, is_compressed: bool) -> bytes:
        """The frame's bytes, made at the first call; whoever writes compressed ones has agreed to `WINDOW_BITS`."""
        if is_compressed not in self._frames:
            extensions = [PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS, dict(COMPRESSION))]
            frame = Frame(Opcode.TEXT, self.asgi["text"].encode())
            self._frames[is_compressed] = frame.serialize(mask=False, extensions=extensions if is_compressed else [])
        return self._frames[is_compressed]


class Outlet(Protocol):
    """One client's socket."""

    def write(self, message: Prepared) -> bool:
        """Hand a message to the transport; False if what was written before has not left yet. To a closed socket: True."""
        ...

    def when_writable(self, call: Callable[[], None]) -> None:
        """`call` is called whenever a refused write may be tried again."""
        ...

    def drop(self, code: int) -> None:
        """Close with `code`, whether or not the client takes it."""
        ...


class AsgiOutlet:
    """An outlet through ASGI's own `send`, for servers that know nothing better: one message under way at a time."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._sending: asyncio.Task[None] | None = None
        self._call: Callable[[], None] = lambda: None

    def write(self, message: Prepared) -> bool:
        if self._sending is not None:
            return False
        self._begin(message.asgi)
        return True

    def when_writable(self, call: Callable[[], None]) -> None:
        self._call = call

    def drop(self, code: int) -> None:
        """A client that takes nothing gets no close either: its server's own time-out ends it."""
        if self._sending is not None:
            self._sending.cancel()
        self._call = lambda: None
        self._begin({"type": "websocket.close", "code": code})

    def _begin(self, message: Any) -> None:
        self._sending = asyncio.ensure_future(self._send(message))
        self._sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Future[None]) -> None:
        if sending is not self._sending:
            return
        self._sending = None
        if not sending.cancelled() and (problem := sending.exception()) is not None:
            # The client went away meanwhile; the server tells so by a disconnect.
            log.debug("socket_not_written", problem=type(problem).__name__)
            return
        self._call()


def outlet_of(scope: Any, send: Callable[[Any], Awaitable[None]]) -> Outlet:
    """The best outlet that the server of this socket offers."""
    offered: Outlet | None = (scope.get("extensions") or {}).get(EXTENSION)
    return AsgiOutlet(send) if offered is None else offered
