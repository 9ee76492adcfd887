"""The form of limits: both of every asset and of the desk, each with what is in force; what differs becomes the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.desk.review.fields import FieldSpec, Input, Sent
from governance.models import User
from governance.review.errors import ReviewRefused
from governance.review.kinds.limits import LABELS
from trading.models import Asset, ExposureLimit, Market
from trading.models.parameters import LIMIT_MAX
from trading.parameters.limits import FIELDS, NONE, UNLIMITED, LimitValues, limit_of, limit_text, row_values

_GROUPS: Final = {
    "asset": gettext_noop("%(unit)s on all markets"),
    "desk": gettext_noop("The whole desk, in %(unit)s"),
}
_HELPS: Final = {
    "soft_limit": gettext_noop("Beyond it nothing is quoted that could add exposure. “none” in both fields: no limit."),
    "hard_limit": gettext_noop("Beyond it nothing is quoted, and two people must lift the lock."),
}


def limits_fields(person: User) -> tuple[FieldSpec, ...]:
    """With what is in force, in units of the asset that is named."""
    return tuple(_field(part, name, values[name]) for part, values in _in_force().items() for name in FIELDS)


def limits_change(sent: Sent) -> dict[str, Any]:
    """What differs from what is in force; `sent` holds numbers or "none". Raises `ReviewRefused` where nothing does."""
    limits: dict[str, dict[str, str]] = {}
    for part, values in _in_force().items():
        for name in FIELDS:
            text = sent[f"{part}.{name}"][0]
            if limit_of(text) != values[name]:
                limits.setdefault(part, {})[name] = text
    if not limits:
        raise ReviewRefused("no_change", _("Every value is the one in force."))
    return {"limits": limits}


def limits_sent(change: Mapping[str, Any]) -> Sent:
    """A proposal's limits over those in force. Raises `ReviewRefused` for limits that the form does not show."""
    shown = {f"{part}.{name}": limit_text(both[name]) for part, both in _in_force().items() for name in FIELDS}
    wanted = {f"{part}.{name}": text for part, both in change["limits"].items() for name, text in both.items()}
    if not wanted.keys() <= shown.keys():
        raise ReviewRefused("no_form", _("The form does not show these limits."))
    return {name: (text,) for name, text in (shown | wanted).items()}


def _in_force() -> dict[str, LimitValues]:
    """By name, of every asset, and of the desk in what its markets are quoted in; those of the desk come last."""
    scope = ExposureLimit.Scope
    names = [f"{scope.ASSET}:{key}" for key in Asset.objects.order_by("pk").values_list("pk", flat=True)]
    names += [f"{scope.DESK}:{key}" for key in sorted(set(Market.objects.values_list("quote_id", flat=True)))]
    rows = {str(row): row_values(row) for row in ExposureLimit.objects.order_by("scope", "key")}
    return {part: rows.get(part, dict(UNLIMITED)) for part in dict.fromkeys([*names, *rows])}


def _field(part: str, name: str, value: Any) -> FieldSpec:
    now, scope, unit = (limit_text(value),), part.partition(":")[0], part.partition(":")[2].upper()
    return FieldSpec(
        f"{part}.{name}", _(LABELS[name]), Input.DECIMAL, _(_HELPS[name]), unit, current=now, initial=now, minimum="0",
        maximum=limit_text(LIMIT_MAX), or_word=NONE, group=_(_GROUPS[scope]) % {"unit": unit},
    )  # fmt: skip
