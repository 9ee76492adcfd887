"""Keeps our requests within a venue's limits: token buckets that slow down when the venue does, cancels first.

One `Throttle` per account and process. Several workers share an account's limit without knowing of each other; what
that costs shows as 429 answers, which slow each of them down.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from trading.clock import Clock
from trading.venues.interface import NotSent

SLOWEST_PACE = 0.1
SLOW_ANSWER_S = 1.0
DEFAULT_PAUSE_S = 1.0
MIN_WAIT_S = 0.001


class Priority(IntEnum):
    """Who goes first when tokens are short."""

    CANCEL = 0
    NEW = 1
    READ = 2


# A quote that has to wait is stale; a cancel or a read is still worth sending.
MAX_WAIT_S: Mapping[Priority, float] = {Priority.CANCEL: 10.0, Priority.NEW: 0.5, Priority.READ: 5.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` within `per_s` seconds. Classes with the same `group` share one bucket; "" = the class is its own group."""

    requests: int
    per_s: float
    group: str = ""


@dataclass(slots=True)
class _Bucket:
    capacity: float
    rate: float
    tokens: float
    updated_s: float
    blocked_until_s: float = 0.0

    def refill(self, now_s: float, pace: float) -> None:
        self.tokens = min(self.capacity, self.tokens + max(0.0, now_s - self.updated_s) * self.rate * pace)
        self.updated_s = now_s

    def ready_in_s(self, now_s: float, pace: float) -> float:
        """Seconds until a token is there; 0 = now."""
        self.refill(now_s, pace)
        short = max(0.0, 1.0 - self.tokens - 1e-9) / (self.rate * pace)
        return max(short, self.blocked_until_s - now_s, 0.0)


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    bucket: _Bucket = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class Throttle:
    """Token buckets by class and scope (a symbol, or "").

    `headroom` is the part of a published limit that we use; `on_throttled(class)` is called for each request that had
    to wait or was refused here. `sleep` is replaced by tests together with `clock`.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Mapping[str, Limit],
        *,
        headroom: float = 0.9,
        slow_answer_s: float = SLOW_ANSWER_S,
        on_throttled: Callable[[str], None] = lambda name: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._limits = dict(limits)
        self._headroom = headroom
        self._slow_answer_s = slow_answer_s
        self._on_throttled = on_throttled
        self._sleep = sleep
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._pump: asyncio.Task[None] | None = None
        self.pace = 1.0  # what is left of our speed after slow or refusing answers, (0, 1]

    def set_limits(self, limits: Mapping[str, Limit]) -> None:
        """The limits that the venue publishes; an empty mapping = it publishes none, nothing is throttled."""
        self._limits = dict(limits)
        self._buckets.clear()

    async def acquire(self, name: str, scope: str = "", priority: Priority = Priority.READ) -> None:
        """Return when a request of that class may go. Raises `NotSent` when it would have to wait too long."""
        bucket = self._bucket(name, scope)
        if bucket is None:
            return
        wait_s = bucket.ready_in_s(self._clock.monotonic_s(), self.pace)
        first = not any(w.bucket is bucket and w.priority <= priority for w in self._waiting)
        if wait_s <= 0.0 and first:
            bucket.tokens -= 1.0
            return
        self._on_throttled(name)
        ahead = sum(1 for w in self._waiting if w.bucket is bucket and w.priority <= priority)
        wait_s += ahead / (bucket.rate * self.pace)
        if wait_s > MAX_WAIT_S[priority]:
            raise NotSent(f"our throttle: a {name} request would have to wait {wait_s:.2f} s")
        await self._queue(bucket, priority)

    def refused(self, name: str, scope: str, retry_after_s: float | None) -> None:
        """The venue answered 429: nothing of that class until it says so, and half the pace from now on."""
        self.pace = max(SLOWEST_PACE, self.pace / 2)
        bucket = self._bucket(name, scope)
        if bucket is not None:
            pause_s = DEFAULT_PAUSE_S if retry_after_s is None else retry_after_s
            until_s = self._clock.monotonic_s() + pause_s
            bucket.blocked_until_s = max(bucket.blocked_until_s, until_s)
            bucket.tokens = min(bucket.tokens, 1.0)

    def answered(self, took_s: float) -> None:
        """An answer came: a slow one lowers the pace a little, a quick one lets it recover."""
        if took_s > self._slow_answer_s:
            self.pace = max(SLOWEST_PACE, self.pace * 0.8)
        elif self.pace < 1.0:
            self.pace = min(1.0, self.pace + 0.02)

    def close(self) -> None:
        """Let nobody wait any more: what still waits is told `NotSent`."""
        if self._pump is not None:
            self._pump.cancel()
        for waiter in self._waiting:
            if not waiter.granted.done():
                waiter.granted.set_exception(NotSent("the venue connection is being closed"))
        self._waiting.clear()

    def _bucket(self, name: str, scope: str) -> _Bucket | None:
        limit = self._limits.get(name)
        if limit is None or limit.requests <= 0:
            return None
        key = (limit.group or name, "" if limit.group else scope)
        bucket = self._buckets.get(key)
        if bucket is None:
            capacity = max(1.0, limit.requests * self._headroom)
            rate = limit.requests * self._headroom / limit.per_s
            bucket = _Bucket(capacity, rate, capacity, self._clock.monotonic_s())
            self._buckets[key] = bucket
        return bucket

    async def _queue(self, bucket: _Bucket, priority: Priority) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Waiter(priority, next(self._numbers), bucket, granted))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._grant_in_order())
        await granted

    async def _grant_in_order(self) -> None:
        """Grant by priority, then age; a bucket that is empty holds up only its own requests."""
        while self._waiting:
            next_s = self._grant_ready()
            if self._waiting:
                await self._sleep(max(next_s, MIN_WAIT_S))

    def _grant_ready(self) -> float:
        """Grant whoever can go now; seconds until the next could."""
        now_s = self._clock.monotonic_s()
        left: list[_Waiter] = []
        next_s = MAX_WAIT_S[Priority.CANCEL]
        while self._waiting:
            waiter = heapq.heappop(self._waiting)
            if waiter.granted.done():
                continue
            wait_s = waiter.bucket.ready_in_s(now_s, self.pace)
            if wait_s <= 0.0:
                waiter.bucket.tokens -= 1.0
                waiter.granted.set_result(None)
            else:
                left.append(waiter)
                next_s = min(next_s, wait_s)
        self._waiting = left  # popped in order, so still a heap
        return next_s
