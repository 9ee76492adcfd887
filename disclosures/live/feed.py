"""The live push as one web process hears it: one subscription, whose silence is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import structlog
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubLoopLayer

from trading.events.live import GROUP, RESEND_EVERY_S

log = structlog.get_logger(__name__)

# Three times what a market is told again after: the push, Redis or the subscription is gone.
SILENT_AFTER_S = 3 * RESEND_EVERY_S
SUBSCRIBE_WITHIN_S = 5.0


class FeedSilent(Exception):
    """Nothing was heard for `SILENT_AFTER_S`."""


async def messages() -> AsyncGenerator[dict[str, Any]]:
    """Messages of the group, heard on a connection of its own that ends with the iterator.

    Raises `FeedSilent`, `TimeoutError`, and what Redis raises.
    """
    layer = _own_layer()
    try:
        async with asyncio.timeout(SUBSCRIBE_WITHIN_S):
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
        while True:
            yield await _next(layer, channel)
    finally:
        await _close(layer)


def _own_layer() -> Any:
    """A layer of this subscription alone: forgetting everything then concerns nobody else.

    Made directly: the public class keeps each for good and wraps the loop's `close` once more for it.
    """
    config = channel_layers.configs[DEFAULT_CHANNEL_LAYER].get("CONFIG", {})
    return RedisPubSubLoopLayer(**config, channel_layer=channel_layers.make_backend(DEFAULT_CHANNEL_LAYER))


async def _next(layer: Any, channel: str) -> dict[str, Any]:
    # Not wait_for: it would wait for the layer to unsubscribe through a connection that may hang.
    waiting = asyncio.ensure_future(layer.receive(channel))
    try:
        done, _ = await asyncio.wait([waiting], timeout=SILENT_AFTER_S)
    except asyncio.CancelledError:
        waiting.cancel()
        raise
    if not done:
        waiting.cancel()
        raise FeedSilent(f"nothing was heard for {SILENT_AFTER_S:g} s")
    message: dict[str, Any] = waiting.result()
    return message


async def _close(layer: Any) -> None:
    try:
        async with asyncio.timeout(SUBSCRIBE_WITHIN_S):
            await layer.flush()
    except Exception as problem:
        log.debug("live_feed_not_closed", problem=type(problem).__name__)
