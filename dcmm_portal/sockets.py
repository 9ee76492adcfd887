"""Every WebSocket address of the portal."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from disclosures.consumers import PublicConsumer
from governance.consumers import DeskConsumer


class NowhereConsumer(AsyncWebsocketConsumer):
    """Closes a socket opened at an address that does not exist, instead of failing."""

    async def connect(self) -> None:
        await self.close(code=4404)


websocket_urlpatterns = [
    path("ws/desk/", DeskConsumer.as_asgi()),
    path("ws/public/", PublicConsumer.as_asgi()),
    re_path(r"^.*$", NowhereConsumer.as_asgi()),
]
