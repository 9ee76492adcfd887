"""That who votes has just shown their second factor: doors verify it (`governance.access.step_up`), services ask for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from governance.access.second_factor import Method
from governance.access.step_up import StepUp, verify_stored
from governance.models import Vote
from governance.review.errors import ReviewRefused

__all__ = ["StepUp", "require_step_up", "signature_holds"]

FRESH_FOR: Final = timedelta(minutes=5)
# Kinds whose reducing changes hit a person: whoever has an administrator's open session alone must not shut everybody out.
STEP_UP_AT_ONCE: Final = frozenset({"account", "role_grant"})
METHODS: Final = frozenset({Method.TOTP.value, Method.WEBAUTHN.value})


def require_step_up(step_up: StepUp | None, now: datetime) -> StepUp:
    """Raises `ReviewRefused` ("step_up") unless it was verified in the last five minutes."""
    if (
        step_up is None
        or step_up.method not in METHODS
        or not step_up.verified_at <= now <= step_up.verified_at + FRESH_FOR
        or (step_up.method == Method.WEBAUTHN.value) is not bool(step_up.assertion)
    ):
        raise ReviewRefused("step_up", _("Show again that it is you, then vote."))
    return step_up


def require_if_asked_for(kind: str, step_up: StepUp | None, now: datetime) -> None:
    """Raises `ReviewRefused` ("step_up") where a change of that kind is not applied at once without a second factor."""
    if kind in STEP_UP_AT_ONCE:
        require_step_up(step_up, now)


def signature_holds(vote: Vote) -> bool:
    """True unless the vote was given with a security key whose signature does not say so (any more): another content, another
    person's key, or one that was revoked since."""
    if vote.method != Method.WEBAUTHN.value:
        return True
    return verify_stored(vote.assertion, vote.content_hash, vote.voter)
