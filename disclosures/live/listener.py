"""One public socket as the hub sees it: what could not be written yet, the newest of each kind, and since when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from dcmm_portal.live_sockets.outlet import Outlet, Prepared
from trading.clock import SystemClock

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Listener:
    """Keeps at most one waiting message per key, so a client costs the same however slow it is. Its trouble is nobody else's:
    nothing here raises."""

    outlet: Outlet
    # Everywhere it may come from; "" for nobody knows where.
    countries: tuple[str, ...] = ("",)
    # When something waited first, or was last taken while more waits.
    late_since_s: float | None = None
    now_s: Callable[[], float] = SystemClock().monotonic_s
    _waiting: dict[str, Prepared] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outlet.when_writable(self.retry)

    def offer(self, message: Prepared, now_s: float) -> None:
        """Write, or let it wait in the place of an older one of its key. Never waits itself."""
        if not self._waiting and self._write(message):
            return
        if not self._waiting:
            self.late_since_s = now_s
        self._waiting.pop(message.key, None)
        self._waiting[message.key] = message

    def retry(self) -> None:
        """Write what waits, the oldest first, as far as it goes."""
        while self._waiting:
            key, message = next(iter(self._waiting.items()))
            if not self._write(message):
                return
            self._waiting.pop(key, None)
            self.late_since_s = self.now_s()
        self.late_since_s = None

    def drop(self, code: int) -> None:
        """Close its socket with `code`."""
        try:
            self.outlet.drop(code)
        except Exception as problem:
            log.warning("live_drop_failed", problem=type(problem).__name__, detail=str(problem)[:200])

    def _write(self, message: Prepared) -> bool:
        try:
            return self.outlet.write(message)
        except Exception as problem:
            # It takes nothing: it is dropped as one who is slow.
            log.warning("live_write_failed", problem=type(problem).__name__, detail=str(problem)[:200])
            return False

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)
