"""Codes of the apps of the staged people: each is good once, the next step's is taken already."""

from __future__ import annotations

from datetime import UTC, datetime

from governance.access.totp import STEP_S, code_at, step_of
from tests.pages.stage import TOTP_SECRET

_used: dict[str, int] = {}


def fresh_code(name: str) -> str:
    """A code of the person's app that was not given before."""
    step = max(step_of(datetime.now(UTC)), _used.get(name, 0) + 1)
    _used[name] = step
    return code_at(TOTP_SECRET, datetime.fromtimestamp(step * STEP_S, UTC))
