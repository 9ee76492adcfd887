"""A worker hears of new parameters at once, beside its own comparison every few seconds."""

from __future__ import annotations

import asyncio

import structlog

from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.parameter_changes import heard_changes
from trading.quoting.connections import Connections

log = structlog.get_logger(__name__)
PAUSE_S = 1.0


async def follow_parameters(connections: Connections, group: str) -> None:
    """Read the parameters again whenever a change is told, until cancelled."""
    while True:
        try:
            if await heard_changes(connections.redis, group):
                await connections.governed.reread_rules()
        except HotStateUnavailable as problem:
            log.warning("parameter_changes_not_heard", problem=type(problem).__name__)
            await asyncio.sleep(PAUSE_S)
