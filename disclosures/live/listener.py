"""One public socket as the hub sees it: what could not be written yet, the newest of each kind, and since when."""

from __future__ import annotations

from dataclasses import dataclass, field

from dcmm_portal.live_sockets.outlet import Outlet, Prepared


@dataclass(eq=False, slots=True)
class Listener:
    """Keeps at most one waiting message per key, so a client costs the same however slow it is."""

    outlet: Outlet
    late_since_s: float | None = None
    _waiting: dict[str, Prepared] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outlet.when_writable(self.retry)

    def offer(self, message: Prepared, now_s: float) -> None:
        """Write, or let it wait in the place of an older one of its key. Never waits itself."""
        if not self._waiting and self.outlet.write(message):
            return
        if not self._waiting:
            self.late_since_s = now_s
        self._waiting.pop(message.key, None)
        self._waiting[message.key] = message

    def retry(self) -> None:
        """Write what waits, the oldest first, as far as it goes."""
        while self._waiting:
            key, message = next(iter(self._waiting.items()))
            if not self.outlet.write(message):
                return
            self._waiting.pop(key, None)
        self.late_since_s = None

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)
