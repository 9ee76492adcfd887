"""The numbered behaviours that every order-book adapter must show. docs/venues.md lists them.

A behaviour is written once, against `Stage`, and run for every adapter by test_contract.py. The expected values come
from the sandbox venue's own ledger (`stage.venue.exchange`), never from the adapter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.venues.stage import Stage

Check = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Behaviour:
    """One numbered behaviour; `options` are those of `staged`."""

    number: str
    title: str
    check: Check
    options: dict[str, Any]


BEHAVIOURS: list[Behaviour] = []


def behaviour(number: str, title: str, **options: Any) -> Callable[[Check], Check]:
    """Register a behaviour under its number."""

    def register(check: Check) -> Check:
        if any(known.number == number for known in BEHAVIOURS):
            raise ValueError(f"behaviour {number} exists already")
        BEHAVIOURS.append(Behaviour(number, title, check, options))
        return check

    return register
