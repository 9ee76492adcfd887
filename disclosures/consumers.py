"""The public socket: each market in its public form, nothing finer."""

from __future__ import annotations

from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer

from dcmm_portal.live_sockets.outlet import outlet_of
from dcmm_portal.push import PushConsumer
from disclosures.live.hub import public_hub
from disclosures.live.listener import Listener


class PublicConsumer(PushConsumer):
    """Is told a `snapshot` per market, then `market` on change, `state` (old, live) and `ping` (disclosures/live/hub.py)."""

    # No channel of its own: thousands of them would each be a subscription and a copy of every message.
    channel_layer_alias = "none"
    _listener: Listener | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own looks after database connections first, on a thread that all sockets queue for; this one has none."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """As Channels' own, without that."""
        await self.disconnect(message["code"])
        raise StopConsumer

    async def connect(self) -> None:
        await self.accept()
        self._listener = Listener(outlet_of(self.scope, self.base_send))
        await public_hub().join(self._listener)

    async def disconnect(self, code: int) -> None:
        if self._listener is not None:
            await public_hub().leave(self._listener)
