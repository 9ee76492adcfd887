"""What every read of the API understands in its address, and how it says no."""

from __future__ import annotations

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from trading.history import MOST_SECONDS
from trading.selectors import known_slugs

DEFAULT_HISTORY_S = 900


def require_market(slug: str) -> None:
    """Raises `NotFound`, naming the markets there are."""
    known = known_slugs()
    if slug not in known:
        raise NotFound(
            f"there is no market {slug!r}; known markets: {', '.join(known) or 'none yet'}", "unknown_market"
        )


def seconds_asked(request: Request) -> int:
    """The window asked for. Raises `ValidationError`."""
    raw = request.query_params.get("seconds", str(DEFAULT_HISTORY_S))
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:9]) <= MOST_SECONDS:
        raise ValidationError({"seconds": f"must be a whole number from 1 to {MOST_SECONDS}"})
    return int(raw)
