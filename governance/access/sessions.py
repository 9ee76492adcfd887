"""Sessions of people: begun by a second factor (or an investor's link), few, limited in time, ended all at once.

What a session began with, when, and when it was last used stand in the session itself; a session without these marks is
nobody's. `person_sessions` knows whose session is which, for ending them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, login
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from governance.access.roles import Role, narrow
from governance.models import PersonSession, User

MARKS = "signed_in"
BY_LINK = "link"
SEEN_EVERY_S = 60
BACKEND = "governance.access.backend.PortalBackend"


@dataclass(frozen=True, slots=True)
class Marks:
    """How and when a session began, and when it was last used; times in seconds since the epoch."""

    method: str
    begun_s: float
    seen_s: float

    def is_current(self, now_s: float) -> bool:
        """Neither older than a session may get nor idle for too long; a clock that went back ends it too."""
        idle_s, age_s = now_s - self.seen_s, now_s - self.begun_s
        return -SEEN_EVERY_S <= idle_s <= settings.SESSION_IDLE_S and age_s <= settings.SESSION_ABSOLUTE_S


def marks_of(session: Any) -> Marks | None:
    """The session's marks; None when there are none, or none that can be read."""
    found = session.get(MARKS)
    if not isinstance(found, dict):
        return None
    try:
        return Marks(str(found["method"]), float(found["begun_s"]), float(found["seen_s"]))
    except (KeyError, TypeError, ValueError):
        return None


def put_marks(session: Any, marks: Marks) -> None:
    """Write them into the session."""
    session[MARKS] = {"method": marks.method, "begun_s": marks.begun_s, "seen_s": marks.seen_s}


def begin_session(request: HttpRequest, person: User, method: str) -> None:
    """Sign `person` in: a new key, marks, and no more sessions than allowed (the oldest end)."""
    now_s = time.time()
    request.session.flush()
    login(request, person, backend=BACKEND)
    put_marks(request.session, Marks(method, now_s, now_s))
    request.session.save()
    with transaction.atomic():
        PersonSession.objects.create(
            person=person, session_key=request.session.session_key, method=method, begun_at=timezone.now()
        )
        _end(PersonSession.objects.filter(person=person).order_by("-begun_at", "-pk")[settings.SESSIONS_MAX :])


def end_sessions(person: User, *, but: str | None = None) -> int:
    """End every session of the person, except the one whose key is `but`; how many there were."""
    with transaction.atomic():
        return _end(PersonSession.objects.filter(person=person).exclude(session_key=but or ""))


def forget_session(session_key: str | None) -> None:
    """The session ended by itself."""
    PersonSession.objects.filter(session_key=session_key or "").delete()


def _end(rows: Any) -> int:
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    PersonSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def narrowed(person: Any, marks: Marks) -> Any:
    """The person as the session's door allows: who came by a link acts as an investor, whatever else they may be."""
    if marks.method == BY_LINK:
        narrow(person, [Role.INVESTOR.value])
    return person


def person_of_session(session_key: str | None) -> User | None:
    """The person signed in under `session_key`; None after sign-out, expiry or a change of their password."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person, marks = User.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first(), marks_of(session)
    if person is None or marks is None or not marks.is_current(time.time()):
        return None
    is_current = constant_time_compare(session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
    return narrowed(person, marks) if is_current else None
