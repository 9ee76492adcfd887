"""What sending needs of the process: connections and the clock."""

from __future__ import annotations

from dataclasses import dataclass

import redis.asyncio

from trading.clock import Clock
from trading.orders.database import DatabaseThreads


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once per process and event loop."""

    redis: redis.asyncio.Redis
    database: DatabaseThreads
    clock: Clock
