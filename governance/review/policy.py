"""The rules of review: read strictly, and what they ask of a change. Pure; stored versions are read in `policies`.

Whatever is unknown or mistyped is refused when a policy is written, and means the strictest rule when one is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

FORMAT: Final = 1
CLASSES: Final = ("reducing", "neutral", "increasing", "strictest")
VOTER_ROLES: Final = frozenset({"approver"})
GUARDIAN_ROLES: Final = frozenset({"compliance"})
# Who votes on what the public is told: on this rule alone, and nobody else does.
VOTERS_OF_KIND: Final = {"document": frozenset({"compliance"})}
DAY_S: Final = 86_400
# Lowest quorum and shortest timelock that any policy may have; the demonstration's minute is the shortest timelock.
LEAST: Final = {"neutral": (1, 0), "increasing": (2, 60), "strictest": (2, 60)}
LEAST_OF_KIND: Final = {"control": (1, 0), "control_kill": (1, 0), "document": (1, 0)}
# Rules that a policy written before they existed does not name: without them the strictest class holds.
MAY_LACK: Final = frozenset({"document"})
# Kinds that no policy may make easier than the strictest class.
STRICT_KINDS: Final = ("policy", "role_grant", "credentials", "token")
MOST_QUORUM: Final = 9
LONGEST_S: Final = 90 * DAY_S
SMALL_CHANGE_MOST: Final = Decimal("0.25")
# Lowest and highest of the rules that stand outside of classes and kinds.
GENERAL_BOUNDS: Final = {
    "drift_window_s": (7 * DAY_S, LONGEST_S),
    "preview_valid_s": (60, 1800),
    "in_review_valid_s": (60, LONGEST_S),
}


def bounds_of(risk_class: str, least: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Lowest and highest of each number of a requirement; a reducing change needs nobody beforehand, so these are fixed."""
    if risk_class == "reducing":
        return {"quorum": (0, 0), "timelock_s": (0, 0), "valid_s": (60, 30 * DAY_S), "review_within_s": (60, DAY_S)}
    quorum, timelock_s = least
    return {"quorum": (quorum, MOST_QUORUM), "timelock_s": (timelock_s, 30 * DAY_S), "valid_s": (60, 30 * DAY_S)}


class InvalidPolicy(Exception):
    """The rules were refused; `errors` says why, one sentence each."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a change needs: `quorum` approvals by members of one of `roles`, then `timelock_s`, then at most `valid_s` to apply.

    `review_within_s`: for a reducing change, how soon it must be looked at afterwards (0: not at all).
    `demands_security_key`: votes by a code do not count.
    """

    risk_class: str
    quorum: int
    roles: tuple[str, ...]
    timelock_s: int
    valid_s: int
    review_within_s: int = 0
    demands_security_key: bool = False

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "class": self.risk_class,
            "quorum": self.quorum,
            "roles": list(self.roles),
            "timelock_s": self.timelock_s,
            "valid_s": self.valid_s,
        }
        if self.review_within_s:
            body["review_within_s"] = self.review_within_s
        if self.demands_security_key:
            body["demands_security_key"] = True
        return body


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules, as parsed."""

    version: int
    classes: dict[str, Requirement]
    kinds: dict[str, Requirement]
    small_change: Decimal
    drift_window_s: int
    guardian_role: str
    preview_valid_s: int
    in_review_valid_s: int

    def requirement(self, rule: str, risk_class: str) -> Requirement:
        """What a change of that rule (a kind, or a part of one) and class needs; the strictest where either is unknown."""
        if risk_class == "reducing" or (rule == "parameters" and risk_class in self.classes):
            return self.classes[risk_class]
        return self.kinds.get(rule, self.classes["strictest"])


def stricter(one: Requirement, other: Requirement) -> Requirement:
    """Both at once: the larger quorum and timelock, the shorter validity, only roles that both allow."""
    return Requirement(
        max(one.risk_class, other.risk_class, key=CLASSES.index),
        max(one.quorum, other.quorum),
        tuple(role for role in one.roles if role in other.roles),
        max(one.timelock_s, other.timelock_s),
        min(one.valid_s, other.valid_s),
        min(one.review_within_s, other.review_within_s),
        one.demands_security_key or other.demands_security_key,
    )


def snapshot(body: Any) -> Requirement:
    """A requirement as a proposal stores it. Raises `InvalidPolicy` for anything that is not exactly that."""
    reader = _Reader()
    risk_class = body.get("class") if isinstance(body, Mapping) else None
    if risk_class not in CLASSES:
        raise InvalidPolicy(("the requirement names no class",))
    rest = {name: value for name, value in body.items() if name != "class"}
    read = reader.requirement("required", rest, str(risk_class), (0, 0), VOTER_ROLES.union(*VOTERS_OF_KIND.values()))
    reader.finish()
    return read


def parse_policy(body: Any, version: int) -> Policy:
    """`body` as rules. Raises `InvalidPolicy` with every reason to refuse it."""
    reader = _Reader()
    fields = {
        "version_of_format", "classes", "kinds", "small_change", "drift_window_s", "guardian_role", "preview_valid_s",
        "in_review_valid_s",
    }  # fmt: skip
    body = reader.mapping("policy", body, fields)
    if body.get("version_of_format") != FORMAT or isinstance(body.get("version_of_format"), bool):
        reader.say(f"version_of_format must be {FORMAT}")
    classes = reader.classes(body.get("classes"))
    kinds = reader.kinds(body.get("kinds"), classes)
    if _is_easier(classes["strictest"], classes["increasing"]):
        reader.say("the strictest class must ask for no less than the increasing one")
    guardian = body.get("guardian_role")
    if guardian not in GUARDIAN_ROLES:
        reader.say("guardian_role must be compliance")
    policy = Policy(
        version,
        classes,
        kinds,
        reader.fraction("small_change", body.get("small_change")),
        reader.whole("drift_window_s", body.get("drift_window_s"), *GENERAL_BOUNDS["drift_window_s"]),
        str(guardian),
        reader.whole("preview_valid_s", body.get("preview_valid_s"), *GENERAL_BOUNDS["preview_valid_s"]),
        reader.whole("in_review_valid_s", body.get("in_review_valid_s"), *GENERAL_BOUNDS["in_review_valid_s"]),
    )
    reader.finish()
    return policy


def _is_easier(one: Requirement, other: Requirement) -> bool:
    return (
        one.quorum < other.quorum
        or one.timelock_s < other.timelock_s
        or (other.demands_security_key and not one.demands_security_key)
    )


class _Reader:
    """Collects every reason to refuse while it reads."""

    def __init__(self) -> None:
        self._errors: list[str] = []

    def say(self, error: str) -> None:
        self._errors.append(error)

    def finish(self) -> None:
        if self._errors:
            raise InvalidPolicy(tuple(self._errors))

    def mapping(
        self, name: str, value: Any, fields: set[str], optional: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.say(f"{name} must be an object")
            return {}
        for key in sorted(set(map(str, value)) - fields):
            self.say(f"{name} has an unknown field {key}")
        for key in sorted(fields - optional - set(map(str, value))):
            self.say(f"{name} lacks {key}")
        return dict(value)

    def whole(self, name: str, value: Any, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.say(f"{name} must be a whole number from {low} to {high}")
            return high
        return value

    def fraction(self, name: str, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (0 <= value <= SMALL_CHANGE_MOST):
            self.say(f"{name} must be a number from 0 to {SMALL_CHANGE_MOST}")
            return Decimal(0)
        return Decimal(str(value))

    def roles(self, name: str, value: Any, voters: frozenset[str]) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(role in voters for role in value):
            self.say(f"{name} must be a list of roles that vote: {', '.join(sorted(voters))}")
            return ()
        return tuple(value)

    def requirement(
        self,
        name: str,
        value: Any,
        risk_class: str,
        least: tuple[int, int],
        voters: frozenset[str] = VOTER_ROLES,
    ) -> Requirement:
        """A reducing change has no roles, and is looked at afterwards."""
        is_reducing, bounds = risk_class == "reducing", bounds_of(risk_class, least)
        optional = {"roles"} if is_reducing else {"demands_security_key"}
        body = self.mapping(name, value, {*bounds, *optional, "roles"}, frozenset(optional))
        numbers = {field: self.whole(f"{name}.{field}", body.get(field), *bounds[field]) for field in bounds}
        return Requirement(
            risk_class,
            numbers["quorum"],
            () if is_reducing else self.roles(f"{name}.roles", body.get("roles"), voters),
            numbers["timelock_s"],
            numbers["valid_s"],
            numbers.get("review_within_s", 0),
            self.yes_no(f"{name}.demands_security_key", body.get("demands_security_key", False)),
        )

    def yes_no(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.say(f"{name} must be true or false")
            return True
        return value

    def classes(self, value: Any) -> dict[str, Requirement]:
        body = self.mapping("classes", value, set(CLASSES))
        return {
            name: self.requirement(f"classes.{name}", body.get(name), name, LEAST.get(name, (0, 0))) for name in CLASSES
        }

    def kinds(self, value: Any, classes: Mapping[str, Requirement]) -> dict[str, Requirement]:
        body = self.mapping("kinds", value, {*LEAST_OF_KIND, *STRICT_KINDS}, MAY_LACK)
        kinds = {
            name: self.requirement(
                f"kinds.{name}", body.get(name), "increasing", least, VOTERS_OF_KIND.get(name, VOTER_ROLES)
            )
            for name, least in LEAST_OF_KIND.items()
            if name in body or name not in MAY_LACK
        }
        for name in STRICT_KINDS:
            if body.get(name) != {"class": "strictest"}:
                self.say(f'kinds.{name} must be {{"class": "strictest"}}')
            kinds[name] = classes["strictest"]
        return kinds
