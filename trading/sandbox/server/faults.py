"""Faults on demand: rules that say what goes wrong, where and how often; seeded, counted, changed at run time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What can go wrong. Request kinds match endpoint names (`place`), stream kinds channel names (`stream.book`)."""

    LATENCY = "latency"  # wait before executing
    LATENCY_AFTER = "latency_after"  # execute, then wait before answering
    ERROR_BEFORE = "error_before"  # 5xx, nothing executed
    ERROR_AFTER = "error_after"  # executed, then 5xx
    RATE_LIMITED = "rate_limited"  # 429, nothing executed
    DROP_BEFORE = "drop_before"  # connection reset, nothing executed
    DROP_AFTER = "drop_after"  # executed, then connection reset
    STREAM_DROP = "stream_drop"  # the WebSocket is reset instead of a message
    DUPLICATE_FILL = "duplicate_fill"  # a fill is told twice
    REORDER_FILL = "reorder_fill"  # a fill is told after the next one (at the latest after 0.25 s)
    BOOK_GAP = "book_gap"  # a book delta is lost
    STALE_BOOK = "stale_book"  # the market feed stops while the connection lives


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule. `endpoint`: shell pattern; `rate`: probability; `count`: the most times it applies (None = no end)."""

    kind: FaultKind
    endpoint: str = "*"
    rate: float = 1.0
    count: int | None = None
    delay_s: float = 0.0
    status: int = 503
    retry_after_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise ValueError("rate must lie between 0 and 1")
        if self.count is not None and self.count < 0:
            raise ValueError("count must not be negative")
        if not 0.0 <= self.delay_s <= 600.0 or not 0.0 <= self.retry_after_s <= 600.0:
            raise ValueError("delay_s and retry_after_s must lie between 0 and 600")
        if not 500 <= self.status <= 599:
            raise ValueError("status must be a 5xx")


_FIELDS: Mapping[str, tuple[type, ...]] = {
    "endpoint": (str,),
    "rate": (int, float),
    "count": (int, type(None)),
    "delay_s": (int, float),
    "status": (int,),
    "retry_after_s": (int, float),
}


def rule_from_json(data: object) -> FaultRule:
    """Build a rule from a JSON object; ValueError names what is wrong."""
    if not isinstance(data, dict):
        raise ValueError("a fault rule is an object")
    values = dict(data)
    try:
        kind = FaultKind(values.pop("kind", None))
    except ValueError:
        raise ValueError(f"kind must be one of {', '.join(FaultKind)}") from None
    for name, value in values.items():
        allowed = _FIELDS.get(name)
        if allowed is None:
            raise ValueError(f"unknown field {name}")
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ValueError(f"{name} has the wrong type")
    return FaultRule(kind, **values)


class Faults:
    """The rules in force, their dice and their counters."""

    def __init__(self, rules: Iterable[FaultRule] = (), seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._rules: dict[int, FaultRule] = {}
        self._left: dict[int, int | None] = {}
        self._next_id = 1
        self.applied: Counter[str] = Counter()
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> int:
        """Put a rule in force; returns its id."""
        rule_id = self._next_id
        self._next_id += 1
        self._rules[rule_id] = rule
        self._left[rule_id] = rule.count
        return rule_id

    def remove(self, rule_id: int) -> bool:
        """Take one rule out of force; False when there is none of that id."""
        self._left.pop(rule_id, None)
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        """Take every rule out of force; counters stay."""
        self._rules.clear()
        self._left.clear()

    def draw(self, kind: FaultKind, endpoint: str) -> FaultRule | None:
        """The rule of this kind that strikes now, if any; counts it as applied."""
        if not self._rules:
            return None
        for rule_id, rule in self._rules.items():
            if rule.kind is not kind or not fnmatchcase(endpoint, rule.endpoint):
                continue
            left = self._left[rule_id]
            if left == 0 or self._random.random() >= rule.rate:
                continue
            if left is not None:
                self._left[rule_id] = left - 1
            self.applied[kind.value] += 1
            return rule
        return None

    def status(self) -> dict[str, object]:
        """Rules in force and counters of faults applied, by kind; JSON-able."""
        rules = [{"id": i, **asdict(r), "left": self._left[i]} for i, r in self._rules.items()]
        return {"rules": rules, "applied": {kind.value: self.applied[kind.value] for kind in FaultKind}}
