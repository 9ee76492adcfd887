"""Times and changes in templates of review."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template

from dcmm_portal.templatetags.figures import MISSING

register = template.Library()


@register.filter
def moment(value: Any) -> str:
    """A time (or its ISO text) as 2026-03-02 09:00:00 UTC; a dash where there is none."""
    if not value:
        return MISSING
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def duration(value: Any) -> str:
    """Seconds as days, hours, minutes and seconds, the leading nothings left out: 1:02:03 is an hour, two minutes and 3 s."""
    left = max(0, int(value))
    days, rest = divmod(left, 86_400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours or days else f"{rest // 60}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


@register.filter
def moved(after: Any, before: Any) -> str:
    """The difference with its sign, and in per cent where it has one: +0.5 (+10 %)."""
    try:
        new, old = Decimal(str(after)), Decimal(str(before))
    except InvalidOperation:
        return MISSING
    delta = new - old
    sign = "+" if delta > 0 else "−" if delta < 0 else ""
    exact = f"{abs(delta):f}"
    text = sign + (exact.rstrip("0").rstrip(".") if "." in exact else exact)
    return f"{text} ({sign}{abs(delta / old) * 100:.3g} %)" if old and delta else text
