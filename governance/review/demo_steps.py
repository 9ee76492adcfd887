"""What upper rooms add to the demonstration: written while genesis is open, after the people and the policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# Each writes what is missing of its own and says what it did, "" where that was nothing.
DEMO_STEPS: Final[list[Callable[[], str]]] = []


def register_demo(step: Callable[[], str]) -> None:
    """Add a step, once, when the portal starts."""
    if step not in DEMO_STEPS:
        DEMO_STEPS.append(step)
