"""A database with the demonstration's treasury, for a whole module; what a test does to it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections

from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.treasury import commit_demo

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def committed_treasury(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        commit_demo(NOW)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


@pytest.fixture
def treasury(committed_treasury: None, db: None) -> None:
    cache.clear()
