"""A desk for every test of review; the database's clock is put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.review.clock import database_time_kept
from tests.review.desk import Desk, open_desk


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    with database_time_kept():
        yield open_desk()


@pytest.fixture
def committed_desk(committed_db: None, redis_url: str) -> Iterator[Desk]:
    """One whose transactions really commit, for tests of several at once."""
    with database_time_kept():
        yield open_desk()
