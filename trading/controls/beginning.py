"""The control of a scope that is new: it lets nothing through until two people resume it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trading.events.services import record
from trading.models import TradingControl
from trading.models.controls import StateChoices

REASON: Final = "The market is new: two people resume it."


def begin_halted(scope: str, *, actor_id: str, actor_name: str, now: datetime) -> None:
    """In the caller's transaction, with its event."""
    TradingControl.objects.create(
        scope=scope, state=StateChoices.HALTED, reason=REASON, actor_id=actor_id, actor_name=actor_name, changed_at=now
    )
    record(
        f"control:{scope}",
        "control.changed",
        {"scope": scope, "from": None, "to": str(StateChoices.HALTED), "reason": REASON, "version": 1},
        actor_id=actor_id,
        actor_name=actor_name,
        occurred_at=now,
    )
