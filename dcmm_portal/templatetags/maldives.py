"""Times as the public reads them."""

from __future__ import annotations

from datetime import datetime

from django import template

from dcmm_portal.maldives import maldives_time
from dcmm_portal.templatetags.figures import MISSING

register = template.Library()


@register.filter
def local_time(at: datetime | None) -> str:
    """A time as 2026-03-02 14:00 UTC+5; a dash where there is none."""
    return MISSING if at is None else maldives_time(at)
