"""The whole system with a transaction pooler before a PostgreSQL of somebody else's: it quotes, fills, and its books agree."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dcmm_portal.embedded import postgres
from tests.support.pooler import Pooler
from tests.support.servers import TestServers, wait_until
from tests.whole.installation import Installation

pytestmark = pytest.mark.whole
NAME = f"pooled_{os.getpid()}"


@pytest.fixture(scope="module")
def pooler(servers: TestServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    postgres.create_database(servers.cluster, servers.postgres_port, NAME)
    made = Pooler(servers, tmp_path_factory.mktemp("pooler"), server_connections=8)
    yield made
    made.stop()
    postgres.drop_database(servers.cluster, servers.postgres_port, NAME)


@pytest.fixture(scope="module")
def system(servers: TestServers, pooler: Pooler) -> Iterator[Installation]:
    installation = Installation(
        DATABASE_URL=pooler.url(NAME, postgres.APP_ROLE),
        DATABASE_OWNER_URL=servers.database_url(NAME, postgres.OWNER_ROLE),
        DATABASE_POOLER="transaction",
        SANDBOX_SPEED="2",
    )
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


def test_it_quotes_fills_and_agrees_with_the_venues(system: Installation, pooler: Pooler) -> None:
    assert "postgres" not in system.processes()
    wait_until(system.is_quoting, 90, "quotes on every market", 0.5)
    wait_until(lambda: any(row["fills"] >= 1 for row in system.status()["markets"]), 300, "an own fill", 2)
    wait_until(lambda: system.reconcile()["equal"], 60, "ledger and venue equal", 1)
    assert pooler.transactions(NAME) > 100
    assert system.interrupt() < 15
