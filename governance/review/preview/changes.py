"""The change of a parameters proposal, as its preview reads it: {"markets": {slug: {parameter: value as text}}}."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from trading.parameters.services import InvalidParameters
from trading.parameters.validation import validate


def changed_values(change: Any) -> dict[str, dict[str, str]]:
    """Proposed values by market and parameter, markets by name. Raises `ReviewRefused` ("bad_change")."""
    markets = change.get("markets") if isinstance(change, Mapping) else None
    if not isinstance(markets, Mapping) or not markets or not all(map(_is_named, markets.items())):
        raise ReviewRefused("bad_change", _("Say which parameters of which markets change."))
    return {slug: dict(values) for slug, values in sorted(markets.items())}


def _is_named(item: tuple[Any, Any]) -> bool:
    slug, values = item
    if not isinstance(slug, str) or not isinstance(values, Mapping) or not values:
        return False
    return all(isinstance(name, str) and isinstance(value, str) for name, value in values.items())


def proposed_values(slug: str, current: Mapping[str, Decimal], changed: Mapping[str, str]) -> dict[str, Decimal]:
    """The complete set of one market with the change applied. Raises `ReviewRefused` ("invalid"), with every error, for values
    that the market could not be given."""
    merged: dict[str, Any] = {**current, **changed}
    errors = validate(merged)
    if errors:
        raise ReviewRefused("invalid", f"{slug}: {InvalidParameters(tuple(errors))}")
    return {name: Decimal(str(value)) for name, value in merged.items()}
