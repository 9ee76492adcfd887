"""Whether the portal noticed what was done to it: its own console lines in the time of each blow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dcmm_portal.chaos.private_system import Line
from dcmm_portal.chaos.strikes import Struck

# How long after a blow's end the portal may still be telling of it.
ECHO_S = 15.0
# Duplicates and reorderings are absorbed in silence on purpose: the ledger's answer to them is the evidence, not a line.
SILENT = frozenset({"duplicate_fill", "reorder_fill"})
# What can't tell of itself that it stood still: those that wait for it do.
OTHERS = frozenset({"postgres", "valkey", "sandbox-dex", "sandbox-cex"})
_TROUBLE = re.compile(r'"level": ?"(warning|error|critical)"|\[(warning|error|critical) *\]|WARNING|ERROR')
_DIED = re.compile(r"^supervisor +\| (\S+) (ended with status|shows no life)")
_STOOD_STILL = re.compile(r"^(\S+) +\| .*\"process_stood_still\"")


def seen(struck: Sequence[Struck], lines: Sequence[Line]) -> dict[str, int]:
    """How many blows of each sort ("kill worker", "stop relay", "fault latency") the portal told of."""
    told: dict[str, int] = {}
    for one in struck:
        name = sort_of(one)
        told[name] = told.get(name, 0) + int(_is_seen(one, lines))
    return told


def applied(struck: Iterable[Struck]) -> dict[str, int]:
    """How many blows of each sort were carried out."""
    counted: dict[str, int] = {}
    for one in struck:
        counted[sort_of(one)] = counted.get(sort_of(one), 0) + 1
    return counted


def sort_of(one: Struck) -> str:
    """What was done, as a name to count under."""
    if one.blow.fault is not None:
        return f"fault {one.blow.fault.kind}"
    return f"{one.blow.what} {one.blow.target}"


def _is_seen(one: Struck, lines: Sequence[Line]) -> bool:
    until_ns = one.until_ns + round(ECHO_S * 1e9)
    echo = [line.text for line in lines if one.from_ns <= line.at_ns <= until_ns]
    if one.blow.what == "kill":
        return _names(_DIED, echo, one.process)
    if one.blow.fault is not None:
        # The venue's account, market or name stands in what is told of it.
        venue = one.blow.target.rpartition("-")[2]
        return one.blow.fault.kind in SILENT or any(_TROUBLE.search(text) and venue in text for text in echo)
    if one.blow.target in OTHERS:
        return any(_TROUBLE.search(text) for text in echo)
    return _names(_STOOD_STILL, echo, one.process) or _names(_DIED, echo, one.process)


def _names(pattern: re.Pattern[str], echo: Iterable[str], process: str) -> bool:
    return any((found := pattern.match(text)) and found.group(1) == process for text in echo)
