"""Watching the inbox while the ledger books it: how full it is, and that people hear of it even if the database was away.

The rule itself (reducing at 80 % of the room, paused at 100 %) is `trading.risk.rules.inbox_room`, judged in every cycle.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

import redis
import structlog
from django.conf import settings
from django.db import transaction

from trading import metrics
from trading.events.services import EventDraft, record_many
from trading.hot_state import inbox
from trading.risk.rules import INBOX_PAUSED_AT, INBOX_REDUCING_AT

log = structlog.get_logger(__name__)
# A level is left only well below its bound, so that an inbox at the bound does not tell of it every second.
LEFT_BELOW = 0.9
KEPT = 20
DRAINED, FILLING, FULL = "inbox.drained", "inbox.filling", "inbox.full"
_LEVELS = ((FULL, INBOX_PAUSED_AT), (FILLING, INBOX_REDUCING_AT))


@dataclass(frozen=True, slots=True)
class Crossing:
    """The inbox got fuller or emptier past a bound."""

    type: str
    at: datetime
    entries: int


class InboxWatch:
    """`look` needs Redis alone, `tell` the database alone."""

    def __init__(self) -> None:
        self._level = DRAINED
        self._untold: deque[Crossing] = deque(maxlen=KEPT)

    def look(self, client: redis.Redis, now: datetime) -> None:
        """Measure, and note a bound that was crossed since the last look. Raises RedisError."""
        entries = inbox.inbox_length(client)
        used = inbox.used_fraction(entries)
        metrics.LEDGER_INBOX_LENGTH.set(entries)
        metrics.INBOX_USED_FRACTION.set(used)
        for stream, waiting in inbox.dead_letter_counts(client).items():
            metrics.DEAD_LETTERS.labels(stream).set(waiting)
        level = self._level_at(used)
        if level == self._level:
            return
        self._level = level
        self._untold.append(Crossing(level, now, entries))
        told = log.info if level == DRAINED else log.error
        told(level.replace(".", "_"), entries=entries, bound=settings.INBOX_BOUND)

    def tell(self) -> None:
        """Write what was noted as events. Raises database errors: then it is still noted."""
        if not self._untold:
            return
        drafts = [
            EventDraft(
                "ledger:inbox",
                one.type,
                {"entries": one.entries, "bound": settings.INBOX_BOUND, "since": one.at},
                one.at,
            )
            for one in self._untold
        ]
        with transaction.atomic():
            record_many(drafts)
        self._untold.clear()

    def _level_at(self, used: float) -> str:
        for level, bound in _LEVELS:
            if used >= (bound * LEFT_BELOW if self._is_at_least(level) else bound):
                return level
        return DRAINED

    def _is_at_least(self, level: str) -> bool:
        return self._level == level or (self._level, level) == (FULL, FILLING)
