"""The desk under attack; its database really commits, and is made anew from the template afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.desk import Desk, attacked


@pytest.fixture
def desk(committed_db: None, valkey: str) -> Iterator[Desk]:
    with attacked() as found:
        yield found
