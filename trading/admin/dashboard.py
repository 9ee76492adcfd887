"""The admin's first page: how every market stands now."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

from trading.market_status import status_json
from trading.selectors import all_market_status
from trading.sentence_text import sentence


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback: adds `markets`."""
    statuses = all_market_status(time.time_ns())
    context["markets"] = [
        {"status": status, "json": status_json(status), "sentence": sentence(status.sentence_key, status.sentence_args)}
        for status in statuses
    ]
    return context
