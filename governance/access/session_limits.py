"""The middleware behind Django's own: a session that was not begun by a second factor, or is too old, is nobody's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from governance.access.sessions import SEEN_EVERY_S, Marks, forget_session, marks_of, narrowed, put_marks


class SessionLimitsMiddleware:
    """Ends what may not go on; notes once a minute that a session is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            _check(request, time.time())
        return self.get_response(request)


def _check(request: HttpRequest, now_s: float) -> None:
    marks = marks_of(request.session)
    if marks is None or not marks.is_current(now_s):
        forget_session(request.session.session_key)
        request.session.flush()
        request.user = AnonymousUser()
        return
    if now_s - marks.seen_s >= SEEN_EVERY_S:
        put_marks(request.session, replace(marks, seen_s=now_s))
    request.user = SimpleLazyObject(lambda: _person(request, marks))


def _person(request: HttpRequest, marks: Marks) -> Any:
    return narrowed(get_user(request), marks)
