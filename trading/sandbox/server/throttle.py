"""Rate limits: token buckets per caller, class and symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trading.sandbox.server.errors import ApiError

MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` within `per_s` seconds; the bucket holds `requests` and refills evenly."""

    requests: int
    per_s: float


# Numbers of docs/sandbox-venue.md section 5; order classes are those of OKX v5 (60 in 2 s per instrument).
DEX_LIMITS: Mapping[str, Limit] = {
    "place": Limit(60, 2.0),
    "amend": Limit(60, 2.0),
    "cancel": Limit(60, 2.0),
    "cancel_all": Limit(20, 2.0),
    "cancel_after": Limit(10, 1.0),
    "read": Limit(60, 2.0),
    "export": Limit(5, 10.0),
    "market": Limit(60, 2.0),
}
OKX_LIMITS: Mapping[str, Limit] = {
    "place": Limit(60, 2.0),
    "place_batch": Limit(300, 2.0),
    "amend": Limit(60, 2.0),
    "amend_batch": Limit(300, 2.0),
    "cancel": Limit(60, 2.0),
    "cancel_batch": Limit(300, 2.0),
    "cancel_after": Limit(1, 1.0),
    "read": Limit(60, 2.0),
    "history": Limit(40, 2.0),
    "fills_history": Limit(10, 2.0),
    "account": Limit(10, 2.0),
    "asset": Limit(12, 2.0),
    "instruments": Limit(20, 2.0),
    "time": Limit(10, 2.0),
    "market": Limit(40, 2.0),
    "export": Limit(5, 10.0),
}


class Throttle:
    """Buckets of one venue. `now_s`: a monotonic clock, s; `scale` multiplies every limit, 0 turns them off."""

    def __init__(self, limits: Mapping[str, Limit], now_s: Callable[[], float], scale: float = 1.0) -> None:
        self.limits = limits
        self.scale = scale
        self._now_s = now_s
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}
        self.refused = 0

    def take(self, caller: str, name: str, symbol: str = "", cost: int = 1) -> None:
        """Take `cost` tokens, or raise 429 `rate_limited` with the wait until they are there."""
        if self.scale <= 0:
            return
        limit = self.limits[name]
        capacity = limit.requests * self.scale
        rate = capacity / limit.per_s
        now = self._now_s()
        key = (caller, name, symbol)
        tokens, since = self._buckets.get(key, (capacity, now))
        tokens = min(capacity, tokens + (now - since) * rate)
        if tokens < cost:
            self.refused += 1
            wait_s = (cost - tokens) / rate
            raise ApiError(429, "rate_limited", f"class {name}: {limit.requests} in {limit.per_s:g} s", wait_s)
        if len(self._buckets) >= MAX_BUCKETS and key not in self._buckets:
            self._forget_full(now)
        self._buckets[key] = (tokens - cost, now)

    def _forget_full(self, now: float) -> None:
        """Drop buckets that nobody used for a while: they have refilled."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket[1] < 30.0}
