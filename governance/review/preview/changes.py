"""The change of a parameters proposal, as a preview reads it: {"markets": {slug: {parameter: value as text}}}."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trading.parameters.services import InvalidParameters
from trading.parameters.validation import validate


class PreviewRefused(Exception):
    """No preview can be made; `code` says why: no_preview, malformed, unknown_market, invalid_values, too_slow."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def changed_values(change: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Proposed values by market and parameter. Raises `PreviewRefused`."""
    markets = change.get("markets") if isinstance(change, Mapping) else None
    if not isinstance(markets, Mapping) or not markets:
        raise PreviewRefused("malformed", "the change names no market")
    found: dict[str, dict[str, str]] = {}
    for slug, values in markets.items():
        if not isinstance(slug, str) or not isinstance(values, Mapping) or not values:
            raise PreviewRefused("malformed", f"the change of {slug!r} names no parameter")
        if not all(isinstance(name, str) and isinstance(value, str) for name, value in values.items()):
            raise PreviewRefused("malformed", f"the values of {slug} must be text")
        found[slug] = dict(values)
    return dict(sorted(found.items()))


def proposed_values(slug: str, current: Mapping[str, Decimal], changed: Mapping[str, str]) -> dict[str, Decimal]:
    """The complete set of one market with the change applied. Raises `PreviewRefused`, with every error, for values that the
    market could not be given."""
    merged: dict[str, Any] = {**current, **changed}
    errors = validate(merged)
    if errors:
        raise PreviewRefused("invalid_values", f"{slug}: {InvalidParameters(tuple(errors))}")
    return {name: Decimal(str(value)) for name, value in merged.items()}
