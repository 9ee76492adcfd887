"""Figures in templates, worded as static/js/format.js words them, so that a live update never changes the notation."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import template

register = template.Library()
MISSING = "—"


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@register.filter
def fixed(value: Any, decimals: int = 2) -> str:
    """With exactly `decimals` decimals and thousands separators; a dash where not known."""
    number = _decimal(value)
    return MISSING if number is None else f"{number:,.{int(decimals)}f}"


@register.filter
def signed(value: Any, decimals: int = 2) -> str:
    """As `fixed`, with a plus or a true minus sign; zero has none."""
    number = _decimal(value)
    if number is None:
        return MISSING
    shown = round(number, int(decimals))
    sign = "+" if shown > 0 else "−" if shown < 0 else ""
    return f"{sign}{abs(shown):,.{int(decimals)}f}"


@register.filter
def percent(value: Any, decimals: int = 1) -> str:
    """A share (0..1) as a percentage."""
    number = _decimal(value)
    return MISSING if number is None else f"{number * 100:,.{int(decimals)}f} %"


@register.filter
def seconds(value: Any) -> str:
    """An age in seconds, minutes or hours."""
    number = _decimal(value)
    if number is None:
        return MISSING
    if number < 10:
        return f"{number:.1f} s"
    if number < 120:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 7200 else f"{number / 3600:.1f} h"


@register.filter
def plain(value: Any) -> str:
    """A number without trailing zeros."""
    number = _decimal(value)
    if number is None:
        return MISSING
    shown = f"{number:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
