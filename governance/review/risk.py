"""What a change does to risk: pure, with coded reasons. Whatever cannot be judged is the strictest.

A parameter moved its risky way is increasing, however little. One that is risky either way may move by a small fraction as
neutral, counted against the version it is based on and against the one of seven days ago, so that small steps do not add up.
Every move the safe way is reducing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.review.policy import CLASSES, Policy

REDUCING, NEUTRAL, INCREASING, STRICTEST = CLASSES
Values = Mapping[str, Decimal]
Limits = Mapping[str, Decimal | None]
_UNLIMITED = Decimal("Infinity")
_MISSING = object()
_WAYS = {"up_is_riskier": 1, "down_is_riskier": -1, "neutral_both_strict": 0}


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """`reasons` are coded, as market:parameter:code; those that made the class come with the rest."""

    risk_class: str
    reasons: tuple[str, ...]


def assess(
    kind: str,
    change: Mapping[str, Any],
    base_values: Mapping[str, Values],
    values_7_days_ago: Mapping[str, Values],
    policy: Policy,
    directions: Mapping[str, str],
) -> RiskAssessment:
    """The class of a change. For parameters: `change["markets"]` is market → name → new value as text, `base_values` the values
    in force by market, `directions` the riskier way by name."""
    if kind == "parameters":
        return _parameters(change, base_values, values_7_days_ago, policy.small_change, directions)
    if kind == "control":
        return RiskAssessment(INCREASING, ("loosens_control",))
    if kind == "role_grant" and change.get("action") == "revoke":
        return RiskAssessment(REDUCING, ("takes_role",))
    if kind == "account" and change.get("action") == "close":
        return RiskAssessment(REDUCING, ("closes_account",))
    return RiskAssessment(
        STRICTEST, (kind if kind in ("policy", "role_grant", "credentials", "token") else "unknown_kind",)
    )


def _parameters(
    change: Mapping[str, Any],
    base_values: Mapping[str, Values],
    week_ago: Mapping[str, Values],
    small: Decimal,
    directions: Mapping[str, str],
) -> RiskAssessment:
    markets = change.get("markets")
    if not isinstance(markets, Mapping) or not markets:
        return RiskAssessment(STRICTEST, ("no_market",))
    found: list[tuple[str, str]] = []
    for market, values in sorted(markets.items()):
        if market not in base_values or market not in week_ago or not isinstance(values, Mapping):
            found.append((STRICTEST, f"{market}::unknown_market"))
            continue
        for name, value in sorted(values.items()):
            known = (base_values[market].get(name), week_ago[market].get(name))
            risk_class, code = _move(directions.get(name), value, *known, small)
            found.append((risk_class, f"{market}:{name}:{code}"))
    return RiskAssessment(highest(one for one, _ in found), tuple(reason for _, reason in found))


def assess_limits(
    change: Mapping[str, Any], in_force: Mapping[str, Limits], week_ago: Mapping[str, Limits]
) -> RiskAssessment:
    """The class of a change of limits: `change["limits"]` is name → limit → new value as text, "none" for no limit; the others
    are limits by name, None for none. Reasons as name:limit:code, where a name itself may have a colon."""
    limits = change.get("limits")
    if not isinstance(limits, Mapping) or not limits:
        return RiskAssessment(STRICTEST, ("no_limit",))
    found: list[tuple[str, str]] = []
    for part, values in sorted(limits.items()):
        if part not in in_force or part not in week_ago or not isinstance(values, Mapping):
            found.append((STRICTEST, f"{part}::unknown_limit"))
            continue
        for name, raw in sorted(values.items()):
            known = (in_force[part].get(name, _MISSING), week_ago[part].get(name, _MISSING))
            risk_class, code = _limit_move(raw, *known)
            found.append((risk_class, f"{part}:{name}:{code}"))
    return RiskAssessment(highest(one for one, _ in found), tuple(reason for _, reason in found))


def assess_registry(
    change: Mapping[str, Any], in_force: Mapping[str, Mapping[str, str]], labels: Mapping[str, Collection[str]]
) -> RiskAssessment:
    """The class of a change of the registry: `change["registry"]` is row → word → new value, `in_force` the words of the rows
    that are there, `labels` what is only shown, by table. Reasons as row:word:code, where a row's name itself has a colon."""
    rows = change.get("registry")
    if not isinstance(rows, Mapping) or not rows:
        return RiskAssessment(STRICTEST, ("no_row",))
    found: list[tuple[str, str]] = []
    for part, words in sorted(rows.items()):
        table = part.partition(":")[0]
        if part not in in_force or table not in labels or not isinstance(words, Mapping):
            found.append((STRICTEST, f"{part}::new_row"))
            continue
        for name, text in sorted(words.items()):
            risk_class, code = _word_move(name, text, in_force[part].get(name), labels[table])
            found.append((risk_class, f"{part}:{name}:{code}"))
    return RiskAssessment(highest(one for one, _ in found), tuple(reason for _, reason in found))


def _word_move(name: str, text: Any, known: str | None, labels: Collection[str]) -> tuple[str, str]:
    if known is None:
        return STRICTEST, "unknown_parameter"
    if text == known:
        return REDUCING, "unchanged"
    if name in labels:
        return NEUTRAL, "label"
    if name == "is_active":
        return (REDUCING, "switched_off") if text == "false" else (INCREASING, "switched_on")
    if name == "demanded_gates":
        return (REDUCING, "demands_gate") if demands_no_less(text, known) else (STRICTEST, "drops_gate")
    return STRICTEST, "moves_money"


def demands_no_less(text: Any, known: str) -> bool:
    """Whether every gate that a market demands stays demanded; names with commas."""
    return isinstance(text, str) and set(known.split(",")) - {""} <= set(text.split(","))


def _limit_move(raw: Any, in_force: Any, week_ago: Any) -> tuple[str, str]:
    """Wider than what is in force is increasing, however little; narrower is reducing. Narrower, but still wider than seven days
    ago, undoes a part of what was approved since: it is told, and reducing as for every parameter that is riskier upwards."""
    if in_force is _MISSING or week_ago is _MISSING:
        return STRICTEST, "unknown_parameter"
    value = _UNLIMITED if raw == "none" else _number(raw)
    if value is None:
        return STRICTEST, "not_a_number"
    base, before = (_UNLIMITED if one is None else one for one in (in_force, week_ago))
    if value > base:
        return INCREASING, "riskier"
    if value == base:
        return REDUCING, "unchanged"
    return REDUCING, "still_wider" if value > before else "safer"


def _move(way: str | None, raw: Any, base: Decimal | None, before: Decimal | None, small: Decimal) -> tuple[str, str]:
    """Class and code of one parameter's move."""
    if way not in _WAYS:
        return STRICTEST, "unknown_parameter"
    value = _number(raw)
    if value is None or base is None or before is None:
        return STRICTEST, "not_a_number"
    if value == base:
        return REDUCING, "unchanged"
    sign = _WAYS[way]
    if sign:
        return (INCREASING, "riskier") if (value - base) * sign > 0 else (REDUCING, "safer")
    if not _is_small(value, base, small):
        return INCREASING, "large_change"
    return (NEUTRAL, "small_change") if _is_small(value, before, small) else (INCREASING, "drift")


def _number(raw: Any) -> Decimal | None:
    if isinstance(raw, (bool, float)):
        return None
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _is_small(value: Decimal, base: Decimal, small: Decimal) -> bool:
    """From zero every change is large."""
    return abs(value - base) <= small * abs(base)


def highest(classes: Iterable[str]) -> str:
    """The strictest of `classes`; the strictest there is where there are none."""
    return max(classes, key=CLASSES.index, default=STRICTEST)
