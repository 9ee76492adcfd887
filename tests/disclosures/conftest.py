"""A desk with two members of compliance and a third who writes nothing, and texts of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from governance.access.roles import Role
from tests.disclosures.library import Library
from tests.review.clock import database_time_kept
from tests.review.desk import open_desk


@pytest.fixture
def library(db: None, redis_url: str) -> Iterator[Library]:
    cache.clear()
    with database_time_kept():
        yield opened()


@pytest.fixture
def committed_library(committed_db: None, redis_url: str) -> Iterator[Library]:
    """One whose transactions really commit, for tests of two at once."""
    cache.clear()
    with database_time_kept():
        yield opened()


def opened() -> Library:
    desk = open_desk()
    for name in ("cora", "dina", "emma"):
        desk.person(name, Role.COMPLIANCE)
    desk.forward(hours=1)
    return Library(desk)
