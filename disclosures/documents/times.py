"""Times of a document's content: ISO in UTC, to the minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused


def told_time(value: Any) -> str | None:
    """A time in its one spelling. Raises `ReviewRefused` ("bad_dates")."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as problem:
        raise ReviewRefused("bad_dates", _("This is no time.")) from problem
    if found.tzinfo is None or not 2020 <= found.year <= 2100:
        raise ReviewRefused("bad_dates", _("This is no time."))
    return found.astimezone(UTC).replace(second=0, microsecond=0).isoformat()


def moment(text: str | None) -> datetime | None:
    """A time of the content."""
    return None if text is None else datetime.fromisoformat(text)
