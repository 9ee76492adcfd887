"""What loosens needs a fresh second factor of the person who does it, about exactly that loosening."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from governance.access import step_up
from governance.access.roles import roles_of
from governance.models import User
from trading.clock import to_datetime
from trading.controls.services import ControlRefused
from trading.models import CommandReceipt, TradingControl
from trading.risk.states import TradingState

PURPOSE = "loosen"
REFUSED = "second_factor"
_STRICTER_THAN_REDUCING = (TradingState.PAUSED.name, TradingState.HALTED.name)


def loosens(scope: str, state: str) -> bool:
    """True if setting `state` could let the desk do more: ACTIVE always (it lifts locks too), REDUCING out of a stricter one."""
    if state != TradingState.REDUCING.name:
        return state == TradingState.ACTIVE.name
    return TradingControl.objects.filter(scope=scope, state__in=_STRICTER_THAN_REDUCING).exists()


def state_content(scope: str, state: str) -> str:
    """Hash of setting `state` on the control as it stands: another change in between makes it another content."""
    version = TradingControl.objects.filter(scope=scope).values_list("version", flat=True).first()
    return _hash({"kind": "control", "scope": scope, "state": state, "version": version})


def require_proof(person: User, role: str, content: str, idempotency_key: str, given: Mapping[str, Any]) -> None:
    """Use up the second factor in `given`. Raises `ControlRefused`.

    Asks nothing of who lacks the role (the service refuses them) and nothing about a key that has done its command already.
    """
    if role not in roles_of(person) or CommandReceipt.objects.filter(key=idempotency_key[:80]).exists():
        return
    try:
        step_up.verify(person, given, PURPOSE, content, to_datetime(time.time_ns()))
    except step_up.StepUpRefused as problem:
        raise ControlRefused(REFUSED, str(problem)) from problem


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
