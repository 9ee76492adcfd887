"""What sending needs of the process: connections and the clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import redis.asyncio

from trading.clock import Clock
from trading.orders.database import DatabaseThreads


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once per process and event loop. `rebuilding` is held by whoever puts lost reservations back."""

    redis: redis.asyncio.Redis
    database: DatabaseThreads
    clock: Clock
    rebuilding: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)
