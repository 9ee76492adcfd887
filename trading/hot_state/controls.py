"""Tightenings on their way: PostgreSQL is the truth, this only makes a stricter state effective a moment earlier.

An entry counts for `TIGHTENING_VALID_S`, long enough for every worker to have read PostgreSQL again; it can never loosen.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client

TIGHTENING_VALID_S = 5.0


@dataclass(frozen=True, slots=True)
class HotControl:
    """A state set on `scope` at `at_ns` (lower-case word of `TradingState`)."""

    scope: str
    state: str
    at_ns: int


def tighten_sync(control: HotControl) -> None:
    """Make `control` known to all workers."""
    sync_client().hset(keys.controls(), control.scope, encode(control))


def clear_sync(scope: str) -> None:
    """Forget the tightening of `scope` (after PostgreSQL was loosened)."""
    sync_client().hdel(keys.controls(), scope)


def parse_controls(raw: list[bytes | None], now_ns: int) -> tuple[str, ...]:
    """The states still counting. An unreadable entry counts as halted: what can't be checked has failed."""
    states = []
    for body in raw:
        if body is None:
            continue
        try:
            control = decode(body, HotControl)
        except HotStateCorrupt:
            states.append("halted")
            continue
        if now_ns - control.at_ns <= TIGHTENING_VALID_S * 1e9:
            states.append(control.state)
    return tuple(states)
