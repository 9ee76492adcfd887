"""Trading states, what each lets a side do, and the strictest of several.

The stored values are the lower-case words; `TradingState.strictness` orders them. Cancels are not a
permission: they always pass, in every state.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class TradingState(StrEnum):
    """State of a market or of the whole desk, from the most permissive to the strictest."""

    ACTIVE = "active"
    REDUCING = "reducing"
    PAUSED = "paused"
    HALTED = "halted"

    @property
    def strictness(self) -> int:
        """Rank, 0 for ACTIVE to 3 for HALTED; a larger rank allows less."""
        return _STRICTNESS[self]

    @property
    def may_place(self) -> bool:
        """True where some new order may still be sent."""
        return self in (TradingState.ACTIVE, TradingState.REDUCING)


_STRICTNESS: Final[dict[TradingState, int]] = {state: rank for rank, state in enumerate(TradingState)}


class SidePermission(StrEnum):
    """What one side of a market may do now."""

    ALL = "all"
    REDUCE_ONLY = "reduce_only"
    NONE = "none"


_PERMISSION: Final[dict[TradingState, SidePermission]] = {
    TradingState.ACTIVE: SidePermission.ALL,
    TradingState.REDUCING: SidePermission.REDUCE_ONLY,
    TradingState.PAUSED: SidePermission.NONE,
    TradingState.HALTED: SidePermission.NONE,
}


def permission(state: TradingState) -> SidePermission:
    """What either side may do in `state`; whether a side reduces depends on the position, not on the state."""
    return _PERMISSION[state]


def strictest(states: Iterable[TradingState]) -> TradingState:
    """The strictest of `states`.

    Raises:
        ValueError: for no state at all. A state that can't be known is a failed check, not ACTIVE.
    """
    found = tuple(states)
    if not found:
        raise ValueError("no trading state given; an unknown state must not be read as active")
    return max(found, key=lambda state: state.strictness)


def effective_state(control: TradingState, locks: Iterable[TradingState] = ()) -> TradingState:
    """State in force: the strictest of the stored control and what the active locks impose."""
    return strictest((control, *locks))
