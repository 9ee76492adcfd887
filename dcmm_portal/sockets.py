"""Every WebSocket address of the portal."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.sessions import CookieMiddleware
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


def shared(allowed: int) -> tuple[int, int]:
    """The places of the public sockets and of the desk's, where the process may open `allowed` in all.

    Where that is less than both want, the desk's are at most half, and each has one at least.
    """
    desk = min(DESK_SOCKETS, max(1, allowed // 2))
    return max(1, allowed - desk), desk


def _places(kind: str, sockets: int) -> Places:
    return Places(kind, Limits(sockets, settings.SOCKETS_PER_ADDRESS, settings.SOCKETS_OPENED_PER_MIN), SystemClock())


_PUBLIC, _DESK = shared(allow_open_files(settings.SOCKETS_MAX + DESK_SOCKETS))
PUBLIC_PLACES, DESK_PLACES = _places("public", _PUBLIC), _places("desk", _DESK)

# Who only looks at public figures needs no session: nothing is read for it. Cookies say where they are.
websocket_urlpatterns = [
    path("ws/desk/", limited(AuthMiddlewareStack(DeskConsumer.as_asgi()), DESK_PLACES)),
    path("ws/public/", limited(CookieMiddleware(PublicConsumer.as_asgi()), PUBLIC_PLACES)),
    re_path(r"^.*$", NowhereConsumer.as_asgi()),
]
