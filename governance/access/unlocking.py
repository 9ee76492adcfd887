"""A person's own factors are changed only just after they gave one: five minutes, in this session."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

from django.http import HttpRequest

from governance.access import step_up
from governance.models import User

GOOD_FOR_S = 300
PURPOSE = "account"
_PLACE = "account_unlocked_s"


def content_hash(person: User) -> str:
    """What a security key signs to unlock: this person's own account, nothing else."""
    return hashlib.sha256(f"account of {person.pk}".encode()).hexdigest()


def unlock(request: HttpRequest, person: User) -> None:
    """Open the account for changes. Raises `governance.access.step_up.StepUpRefused`."""
    step_up.verify(person, request.POST, PURPOSE, content_hash(person), datetime.now(UTC))
    request.session[_PLACE] = time.time()


def is_unlocked(request: HttpRequest) -> bool:
    """True if it was opened in this session just now."""
    at_s = request.session.get(_PLACE)
    return isinstance(at_s, float) and 0 <= time.time() - at_s <= GOOD_FOR_S
