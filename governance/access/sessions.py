"""Whose session a key is, asked anew each time: what a socket was opened with may have ended since."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from governance.models import User


def person_of_session(session_key: str | None) -> User | None:
    """The person signed in under `session_key`; None after sign-out, expiry or a change of their password."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person = User.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if person is None:
        return None
    is_current = constant_time_compare(session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
    return person if is_current else None
