"""Values of parameters in force, of any version, and as they were some time ago, by market slug."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from trading.models import Market, ParameterSet
from trading.parameters.services import current_values


def market_named(slug: str) -> Market:
    """The active market. Raises `ReviewRefused` ("unknown_market")."""
    market = None if "\x00" in slug else Market.objects.filter(slug=slug, is_active=True).first()
    if market is None:
        raise ReviewRefused(
            "unknown_market", _("There is no market “%(market)s”.") % {"market": slug.replace("\x00", "")}
        )
    return market


def values_in_force(slug: str) -> dict[str, Decimal]:
    """Raises `ReviewRefused` where the market has no version yet."""
    found = ParameterSet.objects.filter(market__slug=slug).first()
    if found is None:
        raise ReviewRefused("no_version", _("“%(market)s” has no parameters yet.") % {"market": slug})
    return current_values(found)


def values_of_version(slug: str, version: int) -> dict[str, Decimal]:
    """Raises `ReviewRefused` ("unknown_version")."""
    found = _history(slug).filter(version=version).order_by("-history_id").first()
    if found is None:
        message = _("“%(market)s” has no version %(version)s.")
        raise ReviewRefused("unknown_version", message % {"market": slug, "version": version})
    return current_values(found)


def values_before(slug: str, window_s: int, now: datetime) -> dict[str, Decimal]:
    """The version in force `window_s` ago; the first there is where the market is younger."""
    history = _history(slug)
    found = (
        history.filter(applied_at__lte=now - timedelta(seconds=window_s)).order_by("-applied_at", "-version").first()
    )
    found = found or history.order_by("version").first()
    return {} if found is None else current_values(found)


def _history(slug: str) -> Any:
    # By the market's id, not over its table: so the index of versions gives them in order.
    market_id = Market.objects.filter(slug=slug).values_list("pk", flat=True).first()
    return ParameterSet.history.filter(market_id=market_id)
