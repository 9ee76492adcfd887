"""Name and password, by pages as the first of two steps; a shell has no second step and gives its code at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest

from governance.access.attempts import begin_attempt, forget_attempts
from governance.access.second_factor import FactorRefused, accept_code
from governance.models import User

SHELL = "shell"


class PortalBackend(BaseBackend):
    """Grants no permission: what people may do follows from their roles alone, for a superuser as for anybody."""

    def authenticate(
        self, request: HttpRequest | None, username: Any = None, password: Any = None, code: str | None = None
    ) -> User | None:
        """The person, if the password is theirs; without a request also `code` must be theirs, of now and unused."""
        if not isinstance(username, str) or not isinstance(password, str):
            return None
        if request is not None:
            return self._by_password(request, username, password)
        if not begin_attempt(username, SHELL).is_allowed:
            return None
        person = self._by_password(request, username, password)
        if person is None or not _has_code(person, code):
            return None
        forget_attempts(username, SHELL)
        return person

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session, while active."""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def _by_password(self, request: HttpRequest | None, username: str, password: str) -> User | None:
        # Django's own takes as long for a name that does not exist.
        person = ModelBackend().authenticate(request, username=username, password=password)
        return person if isinstance(person, User) else None


def _has_code(person: User, code: str | None) -> bool:
    try:
        accept_code(person, code or "", datetime.now(UTC), is_recovery_good=False)
    except FactorRefused:
        return False
    return True
