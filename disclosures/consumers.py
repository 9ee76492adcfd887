"""The public socket: each market in its public form, nothing finer."""

from __future__ import annotations

from typing import Any

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer

from dcmm_portal.live_sockets.outlet import TRY_AGAIN_LATER, outlet_of
from dcmm_portal.push import PushConsumer
from disclosures.jurisdictions.sockets import REFUSED_IN_JURISDICTION, refused_among
from disclosures.jurisdictions.whereabouts import countries_of_socket
from disclosures.live.hub import public_hub
from disclosures.live.listener import Listener

log = structlog.get_logger(__name__)


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
        countries = countries_of_socket(self.scope)
        try:
            refused = await refused_among([countries])
        except Exception as problem:
            # Nobody knows whether it may be told anything: the page comes again.
            log.warning("live_rules_unknown", problem=type(problem).__name__, detail=str(problem)[:200])
            await self.close(code=TRY_AGAIN_LATER)
            return
        if refused:
            await self.close(code=REFUSED_IN_JURISDICTION)
            return
        self._listener = Listener(outlet_of(self.scope, self.base_send), countries)
        await public_hub().join(self._listener)

    async def ended(self) -> None:
        if self._listener is not None:
            public_hub().leave(self._listener)
