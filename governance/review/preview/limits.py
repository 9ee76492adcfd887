"""The preview of a limits proposal: what exposure becomes possible, in base units and in money, and drift.

The parameters of the markets stay as they are, and so does their quoting up to a limit: nothing is replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from governance.review.preview.parameters import DRIFT_WINDOW_S, FORMAT, desk_unit, stakes_of
from trading.backtest.drift import relative_pct
from trading.backtest.money import MOVE, limits_money
from trading.events.services import plain_decimal
from trading.models import ExposureLimit, ParameterSet
from trading.parameters.limits import (
    FIELDS,
    LimitValues,
    limit_of,
    limit_text,
    limits_before,
    limits_in_force,
    limits_of,
    row_values,
)
from trading.parameters.services import current_values
from trading.strategy.codec import to_dict


def limits_preview(change: Mapping[str, Any], base: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What `change` would mean, as plain JSON in the form of `parameters_preview`, without markets. Raises `ReviewRefused`
    ("stale") where another version is in force."""
    changed: Mapping[str, Mapping[str, str]] = change["limits"]
    if any(limits_in_force(part)[0] != base[part]["version"] for part in changed):
        message = _(
            "What this changes has been changed since: edit the proposal so that it starts from what is in force."
        )
        raise ReviewRefused("stale", message)
    before = {str(row): row_values(row) for row in ExposureLimit.objects.all()}
    said = {part: {name: limit_of(text) for name, text in values.items()} for part, values in changed.items()}
    after = before | {part: limits_in_force(part)[1] | values for part, values in said.items()}
    return {
        "format": FORMAT,
        "change": {"limits": {part: dict(values) for part, values in changed.items()}},
        "base": {part: dict(base[part]) for part in changed},
        "markets": [],
        "money": _money(before, after, sorted(changed), now),
        "drift": [_drift(part, after[part], now) for part in sorted(changed)],
    }


def _money(
    before: Mapping[str, LimitValues], after: Mapping[str, LimitValues], parts: list[str], now: datetime
) -> dict[str, Any]:
    values = {row.market.slug: current_values(row) for row in ParameterSet.objects.select_related("market")}
    stakes = stakes_of(set(), values, {}, now)
    assets = [key for scope, _colon, key in (part.partition(":") for part in parts) if scope == "asset"]
    found = limits_money(stakes, values, limits_of(before), limits_of(after), assets, desk_unit(stakes))
    return dict(to_dict(found)) | {"shared": [_with_notional(dict(to_dict(one))) for one in found.shared]}


def _with_notional(one: Mapping[str, Any]) -> dict[str, Any]:
    """With what may be held at most, in quote units."""
    moments = ("before", "after")
    losses = {moment: one[f"loss_{moment}"] for moment in moments}
    return dict(one) | {
        f"notional_{moment}": None if loss is None else plain_decimal(Decimal(loss) / MOVE)
        for moment, loss in losses.items()
    }


def _drift(part: str, proposed: LimitValues, now: datetime) -> dict[str, Any]:
    then, current = limits_before(part, DRIFT_WINDOW_S, now), limits_in_force(part)[1]
    rows = [
        {
            "parameter": name,
            "unit": part.partition(":")[2],
            "then": limit_text(then[name]),
            "now": limit_text(current[name]),
            "proposed": limit_text(proposed[name]),
            "proposed_pct": _pct(then[name], proposed[name]),
        }
        for name in FIELDS
        if not then[name] == current[name] == proposed[name]
    ]
    return {"market": part, "rows": rows}


def _pct(then: Decimal | None, proposed: Decimal | None) -> str | None:
    return None if then is None or proposed is None else relative_pct(then, proposed)
