"""The form of the rules of review: one field for each rule that `governance.review.policy` reads, with its bounds."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.desk.review.fields import Choice, FieldSpec, Input, Sent
from governance.models import ReviewPolicy, User
from governance.review.policies import policy_in_force
from governance.review.policy import (
    CLASSES,
    GENERAL_BOUNDS,
    GUARDIAN_ROLES,
    LEAST,
    LEAST_OF_KIND,
    SMALL_CHANGE_MOST,
    VOTER_ROLES,
    VOTERS_OF_KIND,
    bounds_of,
)

SECONDS: Final = "s"
KEY: Final = "demands_security_key"
_GROUPS: Final = {
    "reducing": gettext_noop("Changes that only make things safer"),
    "neutral": gettext_noop("Small changes that are risky either way"),
    "increasing": gettext_noop("Changes that increase risk"),
    "strictest": gettext_noop("The strictest: rules, roles, credentials, tokens, and what cannot be judged"),
    "control": gettext_noop("Ending a rule’s lock on trading"),
    "control_kill": gettext_noop("Ending a kill"),
    "document": gettext_noop("Publishing or withdrawing a disclosure"),
}
_RULES: Final = {
    "quorum": gettext_noop("Approvals by other people"),
    "timelock_s": gettext_noop("Wait between approval and effect"),
    "valid_s": gettext_noop("Time in which it may be applied"),
    "review_within_s": gettext_noop("Looked at afterwards within"),
    "drift_window_s": gettext_noop("Small steps add up over"),
    "preview_valid_s": gettext_noop("A preview is good for"),
    "in_review_valid_s": gettext_noop("Time to vote"),
}


def policy_fields(person: User) -> tuple[FieldSpec, ...]:
    """With what is in force. Raises `ReviewRefused` where no rules can be read."""
    body = _body()
    kinds = tuple(
        _requirement(body, f"kinds.{name}", "increasing", least, VOTERS_OF_KIND.get(name, VOTER_ROLES))
        for name, least in LEAST_OF_KIND.items()
        if name in body["kinds"]
    )
    classes = tuple(
        _requirement(body, f"classes.{name}", name, LEAST.get(name, (0, 0)), VOTER_ROLES) for name in CLASSES
    )
    return tuple(field for fields in (*classes, *kinds, _general(body)) for field in fields)


def policy_change(sent: Sent) -> dict[str, Any]:
    """The complete new rules: those in force with what was sent in their place. Raises `ReviewRefused`."""
    body = copy.deepcopy(_body())
    for name, values in sent.items():
        *way, last = name.split(".")
        place = body
        for word in way:
            place = place[word]
        value = _value(last, values)
        # A value that is the one in force keeps its spelling, and a rule that nobody asked for stays unsaid.
        if value != place.get(last, False):
            place[last] = value
    return {"body": body}


def policy_sent(change: Mapping[str, Any]) -> Sent:
    """A proposal's rules as the form would send them."""
    return dict(_leaves(change["body"], ""))


def _body() -> dict[str, Any]:
    policy = policy_in_force()
    body: dict[str, Any] = ReviewPolicy.objects.values_list("body", flat=True).get(version=policy.version)
    return body


def _value(rule: str, values: tuple[str, ...]) -> Any:
    if rule == "roles":
        return list(values)
    if rule == KEY:
        return values == ("yes",)
    if rule == "guardian_role":
        return values[0]
    return float(values[0]) if rule == "small_change" else int(values[0])


def _leaves(value: Any, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, bool):
        yield name, ("yes",) if value else ()
    elif isinstance(value, list):
        yield name, tuple(value)
    else:
        yield name, (str(value),)


def _requirement(
    body: Mapping[str, Any], path: str, risk_class: str, least: tuple[int, int], voters: frozenset[str]
) -> Iterator[FieldSpec]:
    part, name = path.split(".")
    entry, group = body[part][name], _(_GROUPS[name]) if name in _GROUPS else name
    for rule, (low, high) in bounds_of(risk_class, least).items():
        if high > 0:
            yield _number(f"{path}.{rule}", rule, entry[rule], low, high, group)
    if risk_class == "reducing":
        return
    roles = tuple(Choice(role, role) for role in sorted(voters))
    now = tuple(entry["roles"])
    yield FieldSpec(f"{path}.roles", _("Who votes"), Input.CHECKS, choices=roles, current=now, initial=now, group=group)
    yes = (Choice("yes", _("Votes need a security key"), _("A vote by a code is refused, and does not count.")),)
    now = ("yes",) if entry.get(KEY) else ()
    yield FieldSpec(
        f"{path}.{KEY}", _("Security key"), Input.CHECKS, choices=yes, current=now, initial=now, is_optional=True, group=group
    )  # fmt: skip


def _general(body: Mapping[str, Any]) -> Iterator[FieldSpec]:
    group = _("For all of them")
    now = (str(body["small_change"]),)
    yield FieldSpec(
        "small_change", _("A small change is at most"), Input.DECIMAL, _("0.05 is 5 %."), _("of the value"), current=now,
        initial=now, minimum="0", maximum=str(SMALL_CHANGE_MOST), group=group,
    )  # fmt: skip
    for rule, (low, high) in GENERAL_BOUNDS.items():
        yield _number(rule, rule, body[rule], low, high, group)
    guardians = tuple(Choice(role, role) for role in sorted(GUARDIAN_ROLES))
    now = (str(body["guardian_role"]),)
    yield FieldSpec(
        "guardian_role", _("Who may cancel, and never votes"), Input.SELECT, choices=guardians, current=now, initial=now,
        group=group,
    )  # fmt: skip


def _number(name: str, rule: str, value: int, low: int, high: int, group: str) -> FieldSpec:
    unit = SECONDS if rule.endswith("_s") else ""
    now = (str(value),)
    return FieldSpec(
        name, _(_RULES[rule]), Input.WHOLE, unit=unit, current=now, initial=now, minimum=str(low), maximum=str(high),
        group=group,
    )  # fmt: skip
