"""The rules of review, read strictly; canonical JSON and hashes against values computed elsewhere."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from governance.review.canonical import canonical, content_hash, digest
from governance.review.policy import InvalidPolicy, Requirement, parse_policy, snapshot, stricter
from governance.review.starting_policy import starting_policy

TWO = Requirement("increasing", 2, ("approver",), 3600, 86_400)


def changed(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(starting_policy())
    *way, last = path.split(".")
    place: Any = body
    for word in way:
        place = place[word]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return body


def test_what_each_change_needs() -> None:
    policy = parse_policy(starting_policy(), 3)
    needs = {
        (rule, risk): policy.requirement(rule, risk)
        for rule, risk in (
            ("parameters", "reducing"), ("parameters", "neutral"), ("parameters", "increasing"), ("parameters", "strictest"),
            ("parameters", "what?"), ("control", "increasing"), ("control_kill", "increasing"), ("policy", "strictest"),
            ("role_grant", "strictest"), ("role_grant", "reducing"), ("unheard of", "neutral"), ("document", "neutral"),
        )
    }  # fmt: skip
    assert {pair: (need.quorum, need.timelock_s) for pair, need in needs.items()} == {
        ("parameters", "reducing"): (0, 0),
        ("parameters", "neutral"): (1, 0),
        ("parameters", "increasing"): (2, 3600),
        ("parameters", "strictest"): (2, 3600),
        ("parameters", "what?"): (2, 3600),
        ("control", "increasing"): (1, 0),
        ("control_kill", "increasing"): (1, 0),
        ("policy", "strictest"): (2, 3600),
        ("role_grant", "strictest"): (2, 3600),
        ("role_grant", "reducing"): (0, 0),
        ("unheard of", "neutral"): (2, 3600),
        ("document", "neutral"): (1, 0),
    }
    assert policy.requirement("document", "neutral").roles == ("compliance",)
    assert policy.version == 3


def test_a_policy_from_before_documents_asks_the_strictest_of_them() -> None:
    need = parse_policy(changed("kinds.document", KeyError), 1).requirement("document", "neutral")
    assert (need.quorum, need.roles, need.timelock_s) == (2, ("approver",), 3600)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kinds.document.quorum", 0),
        ("kinds.document.roles", ["approver"]),
        ("kinds.document.roles", ["compliance", "approver"]),
        ("kinds.control.roles", ["compliance"]),
        ("version_of_format", 2),
        ("version_of_format", True),
        ("version_of_format", KeyError),
        ("classes.increasing.quorum", 1),
        ("classes.increasing.quorum", "2"),
        ("classes.increasing.quorum", 2.0),
        ("classes.increasing.quorum", True),
        ("classes.increasing.quorum", 3),  # more than the strictest asks for
        ("classes.increasing.quorum", KeyError),
        ("classes.increasing.timelock_s", 59),
        ("classes.increasing.timelock_s", -1),
        ("classes.increasing.roles", []),
        ("classes.increasing.roles", ["operator"]),
        ("classes.increasing.roles", ["approver", "compliance"]),
        ("classes.increasing.roles", "approver"),
        ("classes.increasing.valid_s", 0),
        ("classes.increasing.demands_security_key", "yes"),
        ("classes.increasing.demands_security_key", None),
        ("classes.increasing.demands_security_key", True),  # more than the strictest asks for
        ("classes.reducing.demands_security_key", False),
        ("classes.increasing.bypass", ["administrator"]),
        ("classes.strictest.quorum", 1),
        ("classes.neutral.quorum", 0),
        ("classes.reducing.review_within_s", 86_401),
        ("classes.reducing.review_within_s", KeyError),
        ("classes.strictest", KeyError),
        ("classes.loose", {}),
        ("kinds.control.quorum", 0),
        ("kinds.policy", {"class": "reducing"}),
        ("kinds.policy", {"class": "strictest", "quorum": 1}),
        ("kinds.token", KeyError),
        ("kinds.anything", {"class": "strictest"}),
        ("small_change", 0.5),
        ("small_change", "0.05"),
        ("small_change", float("nan")),
        ("drift_window_s", 604_799),
        ("guardian_role", "approver"),
        ("preview_valid_s", 1801),
        ("in_review_valid_s", None),
        ("superusers", ["root"]),
    ],
)
def test_rules_that_are_not_exactly_rules_are_refused(path: str, value: Any) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(changed(path, value), 1)


@pytest.mark.parametrize("body", [None, [], "", 7, {}])
def test_anything_else_is_no_policy(body: Any) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(body, 1)


@pytest.mark.parametrize(
    "body",
    [
        {}, None, {"class": "easy", "quorum": 0, "timelock_s": 0, "valid_s": 86400},
        {"class": "increasing", "quorum": 2, "timelock_s": 60, "valid_s": 86400},
        {"class": "increasing", "quorum": "2", "roles": ["approver"], "timelock_s": 60, "valid_s": 86400},
        {"class": "reducing", "quorum": 1, "timelock_s": 0, "valid_s": 86400, "review_within_s": 60},
    ],
)  # fmt: skip
def test_a_stored_requirement_is_read_as_strictly(body: Any) -> None:
    with pytest.raises(InvalidPolicy):
        snapshot(body)


def test_the_stricter_of_both_holds() -> None:
    other = Requirement("neutral", 1, ("approver", "compliance"), 7200, 60)
    assert stricter(TWO, other) == Requirement("increasing", 2, ("approver",), 7200, 60)
    assert stricter(TWO, Requirement("neutral", 1, ("auditor",), 0, 86_400)).roles == (), "then nobody can approve it"


def test_canonical_json_has_one_spelling() -> None:
    """Hashes from coreutils' sha256sum over the text beside them."""
    value = {"b": {"c": "0.5"}, "a": [1, True, None, "ü"]}
    assert canonical(value) == '{"a":[1,true,null,"\\u00fc"],"b":{"c":"0.5"}}'
    assert digest(value) == "f855997128719bf52283ecc07f40b383210e2714e901bac69495192c9eac9173"
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
    hashed = content_hash(
        "parameters", "parameters:m", {"markets": {"m": {"gamma": "2"}}}, {"m": {"version": 3, "hash": "h"}}, 1
    )
    assert hashed == "07e20433ced86b0c73d776f6d77dfdb614b3b8ada63478cfd6b40412724b2989"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_canonical_json_holds_no_nan(value: Any) -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {"a": {1, 2}}, b"x"])
def test_canonical_json_holds_nothing_else(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_a_security_key_may_be_asked_for_and_is_kept_with_the_proposal() -> None:
    assert not parse_policy(starting_policy(), 1).classes["strictest"].demands_security_key
    rules = parse_policy(changed("classes.strictest.demands_security_key", True), 1)
    assert rules.requirement("role_grant", "strictest").demands_security_key
    needed = rules.classes["strictest"]
    assert needed.as_json() == {
        "class": "strictest", "quorum": 2, "roles": ["approver"], "timelock_s": 3600, "valid_s": 86_400,
        "demands_security_key": True,
    }  # fmt: skip
    assert snapshot(needed.as_json()) == needed
    assert stricter(TWO, needed).demands_security_key
    assert "demands_security_key" not in TWO.as_json()
