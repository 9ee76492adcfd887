"""What is done to the system, and when: drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

STOPS_S = (5.0, 8.0, 12.0)
# Mostly the system has time to recover, now and then the next blow falls into the recovery from the last one.
QUICK_SHARE = 0.15
FAULT_WINDOW_S = (4.0, 7.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule of the sandbox's control door; `skew` is its clock instead."""

    kind: str
    rule: tuple[tuple[str, object], ...] = ()
    skew_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Blow:
    """At `at_s` after the start: `what` is kill, stop or fault; `target` a kind of process, or a venue; stops last `lasts_s`,
    faults at least so long and until they struck."""

    at_s: float
    what: str
    target: str
    lasts_s: float = 0.0
    fault: Fault | None = None


FAULTS: tuple[Fault, ...] = (
    Fault("latency", (("delay_s", 3.0), ("rate", 0.7))),
    Fault("latency_after", (("delay_s", 2.5), ("rate", 0.4))),
    Fault("error_before", (("rate", 0.5),)),
    Fault("error_after", (("rate", 0.5),)),
    Fault("rate_limited", (("rate", 0.4), ("retry_after_s", 1.0))),
    Fault("drop_before", (("rate", 0.5),)),
    Fault("drop_after", (("rate", 0.5),)),
    Fault("stream_drop", (("count", 3), ("rate", 0.2))),
    Fault("duplicate_fill"),
    Fault("reorder_fill"),
    Fault("book_gap", (("count", 5), ("rate", 0.3))),
    Fault("stale_book"),
    Fault("clock_skew", skew_s=8.0),
)


def draw_plan(
    seed: int, kills: int, length_s: float, kinds: Sequence[str], venues: Sequence[str], each: int
) -> tuple[Blow, ...]:
    """`kills` SIGKILLs, spread over the kinds of process in turn, at least `each` SIGSTOPs of every kind and `each` faults of
    every kind, over `length_s` seconds, in the order of time."""
    dice = random.Random(seed)
    hits = [("kill", kind) for kind in _in_turn(dice, kinds, kills)]
    hits += [("stop", kind) for kind in kinds for _ in range(each)]
    dice.shuffle(hits)
    times = _times(dice, len(hits), length_s)
    blows = [
        Blow(at_s, what, kind, dice.choice(STOPS_S) if what == "stop" else 0.0)
        for at_s, (what, kind) in zip(times, hits, strict=True)
    ]
    return tuple(sorted((*blows, *_faults(dice, length_s, venues, each)), key=lambda blow: blow.at_s))


def _in_turn(dice: random.Random, kinds: Sequence[str], kills: int) -> list[str]:
    """Every kind as often as every other, or once more."""
    chosen: list[str] = []
    while len(chosen) < kills:
        turn = list(kinds)
        dice.shuffle(turn)
        chosen += turn
    return chosen[:kills]


def _times(dice: random.Random, count: int, length_s: float) -> list[float]:
    gaps = [dice.uniform(0.1, 0.25) if dice.random() < QUICK_SHARE else dice.uniform(0.8, 1.4) for _ in range(count)]
    scale = length_s / sum(gaps) if gaps else 0.0
    at_s, times = 0.0, []
    for gap in gaps:
        times.append(at_s)
        at_s += gap * scale
    return times


def _faults(dice: random.Random, length_s: float, venues: Sequence[str], each: int) -> list[Blow]:
    blows = []
    for index, fault in enumerate(FAULTS):
        for turn in range(each):
            # One part of the run each, so that kinds do not cluster, and the venues in turn.
            at_s = length_s * (turn + dice.random() * 0.9) / each
            venue = venues[(index + turn) % len(venues)]
            blows.append(Blow(at_s, "fault", venue, dice.uniform(*FAULT_WINDOW_S), fault))
    return blows
