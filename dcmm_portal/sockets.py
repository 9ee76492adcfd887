"""Every WebSocket address of the portal."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.urls import path, re_path

from dcmm_portal.live_sockets.places import Limits, Places, allow_open_files, limited
from disclosures.consumers import PublicConsumer
from governance.consumers import DeskConsumer
from trading.clock import SystemClock

# The desk's own, so that no crowd of visitors keeps it out.
DESK_SOCKETS = 500


class NowhereConsumer(AsyncWebsocketConsumer):
    """Closes a socket opened at an address that does not exist, instead of failing."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.close(code=4404)


def _places(kind: str, sockets: int) -> Places:
    return Places(kind, Limits(sockets, settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_OPENED_PER_MIN), SystemClock())


PUBLIC_PLACES = _places("public", allow_open_files(settings.SOCKETS_MAX + DESK_SOCKETS) - DESK_SOCKETS)
DESK_PLACES = _places("desk", DESK_SOCKETS)

# Who only looks at public figures needs no session: nothing is read for it.
websocket_urlpatterns = [
    path("ws/desk/", limited(AuthMiddlewareStack(DeskConsumer.as_asgi()), DESK_PLACES)),
    path("ws/public/", limited(PublicConsumer.as_asgi(), PUBLIC_PLACES)),
    re_path(r"^.*$", NowhereConsumer.as_asgi()),
]
