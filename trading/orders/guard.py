"""The last check before an order's bytes leave: is the lease still ours, and is the gate's answer still fresh?"""

from __future__ import annotations

from dataclasses import dataclass

from trading.clock import Clock
from trading.venues.interface import NotSent

GATE_VALID_S = 1.0


@dataclass(slots=True)
class LeaseGuard:
    """Called by adapters after signing. All times are monotonic seconds of this process, so that a wall clock that is put
    right, or a process that was stopped for a while, can't make an old lease look alive.

    `lease_until_s` counts from before the lease was asked for. `revoke` ends it at once (shutdown, a takeover seen).
    """

    clock: Clock
    epoch: int
    lease_until_s: float
    gate_until_s: float = 0.0
    revoked: str = ""

    def gate_passed(self, asked_at_s: float) -> None:
        """The gate was asked at `asked_at_s` and let the orders through."""
        self.gate_until_s = asked_at_s + GATE_VALID_S

    def revoke(self, reason: str) -> None:
        self.revoked = reason

    def remaining_s(self) -> float:
        """Seconds of lease left, 0 when it is over."""
        return max(0.0, self.lease_until_s - self.clock.monotonic_s())

    def __call__(self) -> None:
        """Raises `NotSent`."""
        now_s = self.clock.monotonic_s()
        if self.revoked:
            raise NotSent(f"the lease of epoch {self.epoch} was revoked: {self.revoked}")
        if now_s >= self.lease_until_s:
            raise NotSent(f"the lease of epoch {self.epoch} ended {now_s - self.lease_until_s:.3f} s ago")
        if now_s >= self.gate_until_s:
            raise NotSent("the trading state was checked too long ago")
