"""ASGI entry: pages and API over HTTP, live pushes over WebSocket."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmm_portal.settings")
application = get_asgi_application()
