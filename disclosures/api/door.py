"""What every door of the public API has in common: no account, no cookie, a limit of requests."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView


class PublicView(APIView):
    """Anybody may read; nothing else can be done."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "public"
