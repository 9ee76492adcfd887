"""The desk of tests/ledger/desk.py, inside a test's transaction or committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ledger.desk import NOW, declare_desk
from tests.support.demo import declare_two_markets
from trading.hot_state import connection as hot_connection


@pytest.fixture(autouse=True)
def fresh_client(valkey: str) -> Iterator[None]:
    """The process' client is made anew, so that no test leaves its connections to the next."""
    hot_connection.sync_client.cache_clear()
    yield
    hot_connection.sync_client().close()
    hot_connection.sync_client.cache_clear()


@pytest.fixture
def desk(db: Any) -> None:
    """The desk, gone with the test's transaction."""
    declare_desk()


@pytest.fixture
def committed_desk(committed_db: None) -> None:
    """The desk, committed."""
    declare_desk()


@pytest.fixture
def demo(committed_db: None) -> None:
    """The demonstration's desk, committed."""
    declare_two_markets(NOW)
