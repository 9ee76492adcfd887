"""The kill switch: the gate first, then every order off the venues, until they show none. One function for every door.

The gate is a commit in PostgreSQL (and a word in Redis for those who trade); the watchdog process takes the orders off, over
connections it holds open, and tells what has come of it. Where it tells nothing in time, whoever kills does it directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from trading.controls.commands import DESK, Actor
from trading.controls.services import ControlResult, kill
from trading.hot_state.clearing import Cleared, read_cleared_sync
from trading.hot_state.connection import HotStateUnavailable
from trading.registry.selectors import MarketRef, active_markets

log = structlog.get_logger(__name__)
# How long the watchdog is waited for before its work is done by whoever kills, and how long a door waits for the end.
WATCHDOG_WITHIN_S = 1.5
DONE_WITHIN_S = 6.0
LOOK_EVERY_S = 0.05

# Takes every order of these markets off; market → orders still resting (None: the venue could not be asked).
CancelDirectly = Callable[[tuple[MarketRef, ...]], dict[str, int | None]]


@dataclass(frozen=True, slots=True)
class MarketCleared:
    """What became of one market's orders; `resting` None: not known. `by` is "watchdog" or "direct"."""

    slug: str
    cancelled: int
    resting: int | None
    by: str


@dataclass(frozen=True, slots=True)
class KillResult:
    """`gate`: the control as it stands, None where the gate could not be written (then `problem` says why). `took_s` from the
    call to the last venue showing none, or to giving up."""

    gate: ControlResult | None
    markets: tuple[MarketCleared, ...]
    took_s: float
    problem: str = ""

    @property
    def is_clear(self) -> bool:
        """The gate is closed and no venue shows an order."""
        return self.gate is not None and all(one.resting == 0 for one in self.markets)


def kill_switch(
    scope: str,
    *,
    actor: Actor,
    reason: str,
    idempotency_key: str,
    now: datetime,
    cancel_directly: CancelDirectly,
    monotonic_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> KillResult:
    """Halt `scope` (the desk or a market's slug) and take its orders off. Raises `ControlRefused`, which changed nothing."""
    begun_s = monotonic_s()
    gate = kill(scope, actor=actor, reason=reason, idempotency_key=idempotency_key, now=now)
    markets = tuple(one for one in active_markets() if scope in (DESK, one.slug))
    since_ns = time.time_ns() if gate.repeated or not gate.changed else round(now.timestamp() * 1e9)
    done: dict[str, Cleared] = {}
    is_helped = False
    direct: dict[str, int | None] = {}
    while monotonic_s() - begun_s < DONE_WITHIN_S:
        done = _clear_since(markets, since_ns)
        if len(done) == len(markets):
            break
        if not is_helped and monotonic_s() - begun_s >= WATCHDOG_WITHIN_S:
            is_helped = True
            direct = cancel_directly(tuple(one for one in markets if one.slug not in done))
            if all(resting == 0 for resting in direct.values()):
                break
        sleep(LOOK_EVERY_S)
    return KillResult(gate, tuple(_outcome(one.slug, done, direct) for one in markets), monotonic_s() - begun_s)


def _clear_since(markets: tuple[MarketRef, ...], since_ns: int) -> dict[str, Cleared]:
    """Markets that the watchdog saw empty after the gate was closed."""
    try:
        found = read_cleared_sync([one.slug for one in markets])
    except HotStateUnavailable:
        return {}
    return {slug: one for slug, one in found.items() if one.resting == 0 and one.at_ns >= since_ns}


def _outcome(slug: str, done: dict[str, Cleared], direct: dict[str, int | None]) -> MarketCleared:
    if slug in done:
        return MarketCleared(slug, done[slug].cancelled, 0, "watchdog")
    return MarketCleared(slug, 0, direct.get(slug), "direct")
