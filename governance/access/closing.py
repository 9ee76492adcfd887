"""Closing a person's account, as `governance.review` applies it: they are out at once, everywhere."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.access.second_factor import tell
from governance.access.sessions import end_sessions
from governance.access.tokens import revoke_all
from governance.models import User


def close_account(person: User, *, authorised_by: str, by_name: str, now: datetime) -> None:
    """No session, no token, no vote that counts; what the person wrote and did stays. Runs in the transaction of the applied
    proposal, without which the database refuses it."""
    with transaction.atomic():
        person.is_active = False
        person.save(update_fields=["is_active"])
        sessions, tokens = end_sessions(person), revoke_all(person, by_name=by_name, now=now)
        tell(person, "access.closed", now, authorised_by=authorised_by, sessions=sessions, tokens=tokens)
