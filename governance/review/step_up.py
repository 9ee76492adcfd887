"""That the person at the door has just shown again who they are; doors make it, services ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.models import Vote
from governance.review.errors import ReviewRefused

FRESH_FOR: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class StepUp:
    """`method` is "totp", "webauthn" or "password"; `assertion` what a security key signed, over the proposal's hash."""

    method: str
    verified_at: datetime
    assertion: dict[str, Any] | None = None


def require_step_up(step_up: StepUp | None, now: datetime) -> StepUp:
    """Raises `ReviewRefused` ("step_up") unless it was verified in the last five minutes."""
    if (
        step_up is None
        or step_up.method not in Vote.Method.values
        or not step_up.verified_at <= now <= step_up.verified_at + FRESH_FOR
        or (step_up.method == Vote.Method.WEBAUTHN and not step_up.assertion)
    ):
        raise ReviewRefused("step_up", _("Show again that it is you, then vote."))
    return step_up
