from collections.abc import Iterator

import pytest

from tests.quoting.world import World, demo_world


@pytest.fixture
def world(committed_db: None, redis_url: str) -> Iterator[World]:
    from trading.hot_state.connection import sync_client

    sync_client.cache_clear()
    with demo_world(redis_url) as made:
        yield made
