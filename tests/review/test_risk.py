"""Risk classes, literally."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from governance.models import RiskDirectionRow
from governance.review.policy import parse_policy
from governance.review.risk import assess
from governance.review.starting_policy import starting_policy
from trading.parameters.schema import SCHEMA

POLICY = parse_policy(starting_policy(), 1)
WAYS = {"up": "up_is_riskier", "down": "down_is_riskier", "both": "neutral_both_strict", "odd": "sideways"}


def judge(new: Any, name: str, base: str = "100", week: str = "100") -> tuple[str, str]:
    values = {"m": {name: Decimal(base)}}
    found = assess("parameters", {"markets": {"m": {name: new}}}, values, {"m": {name: Decimal(week)}}, POLICY, WAYS)
    return found.risk_class, found.reasons[0].split(":")[-1]


@pytest.mark.parametrize(
    ("name", "new", "base", "week", "expected"),
    [
        ("up", "100.01", "100", "100", ("increasing", "riskier")),
        ("up", "99", "100", "100", ("reducing", "safer")),
        ("up", "99", "100", "50", ("reducing", "safer")),
        ("down", "99.99", "100", "100", ("increasing", "riskier")),
        ("down", "101", "100", "100", ("reducing", "safer")),
        ("both", "105", "100", "100", ("neutral", "small_change")),
        ("both", "95", "100", "100", ("neutral", "small_change")),
        ("both", "105.01", "100", "100", ("increasing", "large_change")),
        ("both", "94.99", "100", "100", ("increasing", "large_change")),
        ("both", "104", "100", "98", ("increasing", "drift")),
        ("both", "-104", "-100", "-100", ("neutral", "small_change")),
        ("both", "0.001", "0", "0", ("increasing", "large_change")),
        ("both", "100", "100", "50", ("reducing", "unchanged")),
        ("odd", "100", "100", "100", ("strictest", "unknown_parameter")),
        ("nowhere", "1", "1", "1", ("strictest", "unknown_parameter")),
    ],
)
def test_a_move(name: str, new: str, base: str, week: str, expected: tuple[str, str]) -> None:
    assert judge(new, name, base, week) == expected


@pytest.mark.parametrize("new", ["NaN", "sNaN", "Infinity", "-Infinity", "", "five", "5 bps", 5.0, True, None, [1], {}])
def test_what_is_no_exact_number_is_the_strictest(new: Any) -> None:
    assert judge(new, "up") == ("strictest", "not_a_number")


def test_the_strictest_part_decides() -> None:
    values = {"a": {"up": Decimal(1), "both": Decimal(100)}, "b": {"up": Decimal(1)}}
    change = {"markets": {"a": {"both": "101"}, "b": {"up": "0.5"}}}
    assert assess("parameters", change, values, values, POLICY, WAYS).risk_class == "neutral"
    change["markets"]["b"]["up"] = "2"
    found = assess("parameters", change, values, values, POLICY, WAYS)
    assert (found.risk_class, found.reasons) == ("increasing", ("a:both:small_change", "b:up:riskier"))


@pytest.mark.parametrize(
    "change", [{}, {"markets": {}}, {"markets": None}, {"markets": {"x": {"up": "1"}}}, {"markets": {"m": 3}}]
)
def test_what_is_not_understood_is_the_strictest(change: dict[str, Any]) -> None:
    values = {"m": {"up": Decimal(1)}}
    assert assess("parameters", change, values, values, POLICY, WAYS).risk_class == "strictest"


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("control", {"scope": "desk", "rule": "kill"}, "increasing"),
        ("policy", {"body": {}}, "strictest"),
        ("role_grant", {"action": "grant"}, "strictest"),
        ("role_grant", {"action": "revoke"}, "reducing"),
        ("role_grant", {}, "strictest"),
        ("credentials", {}, "strictest"),
        ("token", {}, "strictest"),
        ("something else", {}, "strictest"),
    ],
)
def test_other_kinds(kind: str, change: dict[str, Any], expected: str) -> None:
    assert assess(kind, change, {}, {}, POLICY, {}).risk_class == expected


def test_the_database_knows_the_schema_s_directions(db: None) -> None:
    """Drift: a parameter added or turned round needs a migration of the table by which the database judges."""
    rows = {row.parameter: (row.direction, row.small_change) for row in RiskDirectionRow.objects.all()}
    assert rows == {spec.name: (spec.risk_direction.value, Decimal("0.05")) for spec in SCHEMA}
