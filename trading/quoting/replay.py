"""Recomputing decisions from what was stored of them: the same pure functions, compared bit for bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from trading.models import Decision, DecisionBatch
from trading.quoting.decide import decide
from trading.quoting.decision_writer import batch_lines
from trading.quoting.plan import CycleInputs
from trading.strategy.codec import CodecError, from_dict, to_dict


class NoSuchDecision(Exception):
    """There is no decision or batch of this id."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` names the field, as in bid.price; values as stored and as computed now."""

    path: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision computed again. `problem` names what made it impossible ("" if it was computed)."""

    cycle_id: str
    market: str
    code_version: str
    equal: bool
    differences: tuple[Difference, ...]
    problem: str = ""
    inputs: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


def replay_decision(decision_id: int) -> Replayed:
    """Compute the stored decision again. Raises `NoSuchDecision`."""
    row = Decision.objects.filter(pk=decision_id).first()
    if row is None:
        raise NoSuchDecision(f"there is no decision {decision_id}")
    return recompute(row.cycle_id, row.market, row.code_version, row.inputs, row.result)


def replay_batch(batch_id: int) -> tuple[Replayed, ...]:
    """Compute every cycle of a batch again. Raises `NoSuchDecision`."""
    batch = DecisionBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise NoSuchDecision(f"there is no batch {batch_id}")
    return tuple(
        recompute(
            line.cycle_id,
            line.slug,
            line.code_version,
            json.loads(bytes(line.inputs)),
            json.loads(bytes(line.result)),
        )
        for line in batch_lines(batch)
    )


def recompute(cycle_id: str, market: str, code_version: str, inputs: Any, stored: Any) -> Replayed:
    """`decide` on the stored inputs, compared with the stored result."""
    try:
        result = to_dict(decide(from_dict(CycleInputs, inputs)))
    except CodecError as problem:
        return Replayed(cycle_id, market, code_version, False, (), f"inputs can't be read: {problem}", inputs)
    found = tuple(differences(stored, result))
    return Replayed(cycle_id, market, code_version, not found, found, "", inputs, result)


def differences(stored: Any, recomputed: Any, path: str = "") -> list[Difference]:
    """Every leaf that is not exactly the same; a number is compared with its type."""
    if isinstance(stored, dict) and isinstance(recomputed, dict):
        names = sorted(set(stored) | set(recomputed))
        missing = object()
        pairs = [
            (f"{path}.{name}".lstrip("."), stored.get(name, missing), recomputed.get(name, missing)) for name in names
        ]
    elif isinstance(stored, list) and isinstance(recomputed, list) and len(stored) == len(recomputed):
        pairs = [(f"{path}[{i}]", one, two) for i, (one, two) in enumerate(zip(stored, recomputed, strict=True))]
    else:
        return [] if _same(stored, recomputed) else [Difference(path, _told(stored), _told(recomputed))]
    return [found for name, one, two in pairs for found in differences(one, two, name)]


def _same(stored: Any, recomputed: Any) -> bool:
    if isinstance(stored, bool) or isinstance(recomputed, bool):
        return stored is recomputed
    if isinstance(stored, int | float) and isinstance(recomputed, int | float):
        # A column of JSON drops the point of 5.0; equal doubles have equal bits (-0.0 is never stored).
        return stored == recomputed
    return type(stored) is type(recomputed) and bool(stored == recomputed)


def _told(value: Any) -> Any:
    return "missing" if type(value) is object else value
