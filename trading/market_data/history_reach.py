"""How far behind the ledger's cursor lies, against how far back the venue's history reaches.

What the ledger has not booked is in the inbox, and once more in the venue's history. An outage of the database that outlasts the
history leaves the inbox alone between us and a loss: people must know before.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.events.services import record
from trading.venues.interface import Capabilities

log = structlog.get_logger(__name__)
ALARM_AT = 0.8
# Below this the alarm is over; between the two nothing is told again.
OVER_BELOW = 0.6


class HistoryReach:
    """Of one account. Times are the wall clock's (ns)."""

    def __init__(self, account: str, clock: Clock) -> None:
        self.account, self._clock = account, clock
        self._behind_since_ns = clock.now_ns()
        self._fills_behind = 0
        self._alarmed = False
        self._untold: tuple[datetime, dict[str, Any]] | None = None

    def read(self, fills: int, oldest_ns: int) -> None:
        """The history was read from the committed cursor to its end: that many fills, the oldest of that time (or none: now)."""
        self._fills_behind, self._behind_since_ns = fills, oldest_ns

    def told(self) -> None:
        """The stream told a fill."""
        self._fills_behind += 1

    def used(self, capabilities: Capabilities) -> float:
        """Part of the venue's reach that lies behind the cursor, by time or by number, whichever is more; 0 without a bound."""
        parts = [0.0]
        if capabilities.history_retention_s:
            parts.append((self._clock.now_ns() - self._behind_since_ns) / 1e9 / capabilities.history_retention_s)
        if capabilities.history_retention_fills:
            parts.append(self._fills_behind / capabilities.history_retention_fills)
        return max(parts)

    def look(self, capabilities: Capabilities) -> None:
        """Measure; log and note once when the bound comes near."""
        used = self.used(capabilities)
        metrics.HISTORY_REACH_USED.labels(self.account).set(used)
        if used < OVER_BELOW:
            self._alarmed = False
        if used < ALARM_AT or self._alarmed:
            return
        self._alarmed = True
        payload = {
            "account": self.account,
            "used": round(used, 3),
            "fills_behind": self._fills_behind,
            "since": to_datetime(self._behind_since_ns),
        }
        log.error("history_retention_near", **payload)
        self._untold = (to_datetime(self._clock.now_ns()), payload)

    def tell(self) -> None:
        """Write what was noted as an event. Raises database errors: then it is still noted."""
        if self._untold is None:
            return
        at, payload = self._untold
        with transaction.atomic():
            record(f"account:{self.account}", "history.retention_near", payload, occurred_at=at)
        self._untold = None
