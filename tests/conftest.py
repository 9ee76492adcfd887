"""What every test may use: a real PostgreSQL (as the application role), a real Valkey, nothing faked."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.servers import TestServers

# How long data takes to make depends on what else runs: no property fails for that.
settings.register_profile("house", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("house")
# One walks every page in every look, the other waits out the minute between an approval and its effect.
LONGEST_IN_BROWSERS = ("test_accessibility.py", "test_review.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: the browser's driver keeps an event loop running, beside which no asyncio test can run. Of them the
    files first that take longest."""
    items.sort(key=lambda item: ("e2e" in item.path.parts, item.path.name not in LONGEST_IN_BROWSERS))


@pytest.fixture(scope="session")
def servers() -> TestServers:
    """The run's servers: owner addresses, clones."""
    return SERVERS


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The worker's database is the clone made above: nothing to create, and the application role could not."""


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """No answer of an earlier test, in whose database other things stood."""
    from django.core.cache import caches

    caches["answers"].clear()


@pytest.fixture
def committed_db(django_db_blocker: object) -> Iterator[None]:
    """A database in which tests really commit; made anew from the template afterwards (our tables refuse TRUNCATE)."""
    from django.db import connections

    with django_db_blocker.unblock():
        yield
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


@pytest.fixture
def valkey() -> Iterator[str]:
    """Address of an empty Valkey database of this worker's own; emptied before the test."""
    import redis

    url = os.environ["REDIS_URL"]
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def redis_url(valkey: str) -> str:
    return valkey
