"""uvicorn's WebSocket connection, with what thousands of sockets need: prepared frames, compression that keeps no memory for each
connection, and an end that does not wait for the client.

`python -m uvicorn ... --ws dcmm_portal.live_sockets.protocol:LiveSocketProtocol`
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol

from dcmm_portal.live_sockets.outlet import COMPRESSION, EXTENSION, WINDOW_BITS, Prepared

# What may wait for one client in this process' memory, beside what the kernel keeps.
BUFFER_BYTES: Final = 65_536
# A dropped client has this long to take its close frame.
DROP_WITHIN_S: Final = 2.0


class LiveSocketProtocol(WebSocketsSansIOProtocol):
    """Offers itself to the application as its outlet (dcmm_portal/live_sockets/outlet.py)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._call: Callable[[], None] | None = None
        self._is_compressed: bool | None = None
        deflate = ServerPerMessageDeflateFactory(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=WINDOW_BITS,
            compress_settings=dict(COMPRESSION),
        )
        self.conn = ServerProtocol(
            extensions=[deflate] if self.config.ws_per_message_deflate else [],
            max_size=self.config.ws_max_size,
            logger=logging.getLogger("uvicorn.error"),
        )

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)

    async def run_asgi(self) -> None:
        extensions: Any = self.scope["extensions"]
        extensions[EXTENSION] = self
        await super().run_asgi()

    def write(self, message: Prepared) -> bool:
        """See `Outlet`."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return True
        if not self.writable.is_set():
            return False
        if self._is_compressed is None:
            agreed = [one for one in self.conn.extensions if isinstance(one, PerMessageDeflate)]
            self._is_compressed = any(one.local_max_window_bits == WINDOW_BITS for one in agreed)
        self.transport.write(message.frame(self._is_compressed))
        return True

    def when_writable(self, call: Callable[[], None]) -> None:
        """See `Outlet`."""
        self._call = call

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._call is not None:
            self._call()

    def handle_ping(self) -> None:
        """Answer, unless the client reads nothing: its unread pongs would fill the memory."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)

    async def send(self, message: Any) -> None:
        """As uvicorn's; after a close that the application did not ask for (`drop`, a broken frame) the client is gone."""
        if self.close_sent and self.handshake_complete:
            raise ClientDisconnected
        await super().send(message)

    def drop(self, code: int) -> None:
        """See `Outlet`: the close frame follows what waits already, and `DROP_WITHIN_S` later the connection is cut."""
        if self.disconnected:
            return
        self._call = None
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.stop_keepalive()
        self.transport.close()
        self.loop.call_later(DROP_WITHIN_S, self.transport.abort)
