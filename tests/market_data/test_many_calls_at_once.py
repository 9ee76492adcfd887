"""More calls at once than connections: they wait, none fails."""

from __future__ import annotations

import asyncio

from trading.hot_state.connection import ASYNC_CONNECTIONS, async_client


async def test_more_calls_than_connections_wait_for_their_turn(valkey: str) -> None:
    client = async_client()
    try:
        answers = await asyncio.gather(*(client.incr("counted") for _ in range(3 * ASYNC_CONNECTIONS)))
        assert sorted(answers) == list(range(1, 3 * ASYNC_CONNECTIONS + 1))
    finally:
        await client.aclose()
