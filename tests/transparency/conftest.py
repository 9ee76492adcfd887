"""The ledger's small desk, inside a test's transaction or committed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.conftest import fresh_client  # noqa: F401
from tests.ledger.desk import declare_desk


@pytest.fixture
def ledger_desk(db: Any) -> None:
    declare_desk()


@pytest.fixture
def committed_ledger_desk(committed_db: None) -> None:
    declare_desk()
