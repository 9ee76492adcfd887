"""People of every role, a demonstration desk, and a fresh hot state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from governance.access.roles import Role
from governance.models import User
from tests.access.authenticator import Authenticator
from tests.pages import stage
from tests.pages.conftest import alive, desk, now_ns

__all__ = ["alive", "desk", "now_ns"]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def quick_passwords(settings: object) -> None:
    """A strong hash takes a third of a second each time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db: None, valkey: str, quick_passwords: None) -> User:
    """An approver with a password and no second factor yet."""
    return stage.person("anna", Role.APPROVER, password=stage.PASSWORD)


@pytest.fixture
def enrolled(person: User) -> User:
    """The same with an authenticator app."""
    return stage.enrol(person)


@pytest.fixture
def key_of() -> Callable[[User], Authenticator]:
    """Gives a person a security key."""

    def give(person: User) -> Authenticator:
        made = Authenticator()
        made.enrol(person)
        return made

    return give
