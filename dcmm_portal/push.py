"""What the live sockets share: they talk and don't listen, and nothing a client sends makes them fail."""

from __future__ import annotations

import json
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from trading.metrics import SOCKET_MESSAGES_REFUSED

PING_EVERY_S = 5.0
LONGEST_MESSAGE = 4096
MOST_REFUSALS = 10
# Close codes: ours (4000 to 4999), and that of RFC 6455 for a message that is too big.
TOO_MANY_REFUSALS = 4400
TOO_BIG = 1009


class PushConsumer(AsyncJsonWebsocketConsumer):
    """Ignores JSON; answers anything else with `{"type": "error", "market": null, "code": ...}` and at last closes."""

    _refused = 0
    _is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Channels tells `disconnect` only to a consumer that nothing failed in, and a client can make its answers fail."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.ended()

    async def ended(self) -> None:
        """The socket is gone, however it went: give back what was taken for it. Called once."""

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        """As Channels' own; to nobody once the socket was closed."""
        if not self._is_closed:
            await super().send(text_data, bytes_data, close)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """As Channels' own; the first counts."""
        if not self._is_closed:
            self._is_closed = True
            await super().close(code, reason)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """`code` is not_text or not_json; a message of more than 4096 characters closes the socket (1009)."""
        if self._is_closed:
            return
        if len(text_data or bytes_data or "") > LONGEST_MESSAGE:
            SOCKET_MESSAGES_REFUSED.labels("too_big").inc()
            await self.close(code=TOO_BIG)
        elif text_data is None:
            await self._refuse("not_text")
        elif not _is_json(text_data):
            await self._refuse("not_json")

    async def _refuse(self, code: str) -> None:
        SOCKET_MESSAGES_REFUSED.labels(code).inc()
        self._refused += 1
        if self._refused > MOST_REFUSALS:
            await self.close(code=TOO_MANY_REFUSALS)
        else:
            await self.send_json({"type": "error", "market": None, "code": code})


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
