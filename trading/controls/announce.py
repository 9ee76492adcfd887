"""Telling workers of a changed state through the hot state: best effort, and never before PostgreSQL has committed.

Workers read PostgreSQL within a second, and the gate asks it at every order; this only saves that second.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from trading.hot_state import controls as hot_controls
from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.controls import HotControl
from trading.risk.states import TradingState

log = structlog.get_logger(__name__)


def announce_tightening(scope: str, state: TradingState, now: datetime) -> None:
    """`state` stands on `scope` from now on; a stricter one that was announced just before stays."""
    try:
        hot_controls.tighten_sync(_entry(scope, state, now))
    except HotStateUnavailable as problem:
        log.warning("tightening_not_announced", scope=scope, problem=type(problem).__name__)


def announce_loosening(scope: str, remaining: TradingState, now: datetime) -> None:
    """PostgreSQL was loosened and `remaining` is what still stands on `scope`."""
    try:
        hot_controls.replace_sync(_entry(scope, remaining, now))
    except HotStateUnavailable as problem:
        log.warning("loosening_not_announced", scope=scope, problem=type(problem).__name__)


def _entry(scope: str, state: TradingState, now: datetime) -> HotControl:
    return HotControl(scope, state.value, round(now.timestamp() * 1e9))
