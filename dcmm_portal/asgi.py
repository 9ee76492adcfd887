"""ASGI entry: pages and API over HTTP, live pushes over WebSocket."""

from __future__ import annotations

import os
from importlib import import_module

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

from dcmm_portal.garbage import keep_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmm_portal.settings")


def _application() -> ProtocolTypeRouter:
    # Made first: it loads the applications, whose models the sockets and their sessions need.
    http = get_asgi_application()
    import_module("dcmm_portal.urls")
    addresses = import_module("dcmm_portal.sockets").websocket_urlpatterns
    found = ProtocolTypeRouter({"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(addresses))})
    keep_loaded()
    return found


application = _application()
