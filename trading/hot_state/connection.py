"""Clients of the hot state, with time-outs; one pool per process and kind."""

from __future__ import annotations

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 2.0
CALL_TIMEOUT_S = 5.0
QUICK_TIMEOUT_S = 0.15
ASYNC_CONNECTIONS = 64

HotStateUnavailable = redis.RedisError
"""What calls of the hot state raise while Redis is away, late or refuses; for rooms that don't speak to Redis themselves."""


@lru_cache(maxsize=1)
def sync_client() -> redis.Redis:
    """The process' blocking client (views, ledger, commands). Answers are bytes."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=CALL_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        health_check_interval=15,
    )


@lru_cache(maxsize=1)
def quick_client() -> redis.Redis:
    """For what is only worth telling at once: gives up after 0.15 s for connecting and 0.15 s for the answer, tries once."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=QUICK_TIMEOUT_S,
        socket_connect_timeout=QUICK_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def async_client() -> redis.asyncio.Redis:
    """A client for the running event loop; its owner closes it. Answers are bytes.

    Markets run side by side: when all connections are in use a call waits for one, as it would wait for an answer.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=ASYNC_CONNECTIONS,
        timeout=CALL_TIMEOUT_S,
        socket_timeout=CALL_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        health_check_interval=15,
    )
    return redis.asyncio.Redis.from_pool(pool)
