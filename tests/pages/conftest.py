"""The demonstration's desk in the test's database, hot state empty."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client

from governance.access.roles import Role
from tests.pages import stage
from tests.support.demo import declare_two_markets


@pytest.fixture
def desk(db: None, valkey: str) -> None:
    """Two markets declared and active, nothing in Redis."""
    cache.clear()
    declare_two_markets(datetime.now(UTC))


@pytest.fixture
def now_ns() -> int:
    return time.time_ns()


@pytest.fixture
def alive(desk: None, now_ns: int) -> dict[str, tuple[object, object]]:
    """Both markets quoting; our bid and ask by slug."""
    return {slug: stage.hot_market(slug, now_ns) for slug in (stage.DEX, stage.CEX)}


@pytest.fixture
def operator(desk: None, client: Client) -> Client:
    stage.sign_in(client, stage.enrol(stage.person("operator", Role.OPERATOR)))
    return client


@pytest.fixture
def auditor(desk: None) -> Client:
    client = Client()
    stage.sign_in(client, stage.person("auditor", Role.AUDITOR))
    return client
