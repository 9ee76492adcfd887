"""Streams through ccxt's `watch_*`: what they yield, proofs of life between, and every renewal told."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from trading.clock import Clock
from trading.venues.backoff import Backoff
from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import Calls
from trading.venues.ccxt_okx.client import OWN_QUEUE_LIMIT, OkxClient
from trading.venues.identity import Identities
from trading.venues.interface import (
    OrderBook,
    OwnFill,
    OwnOrder,
    ProofOfLife,
    PublicTrade,
    StreamReset,
    UnexpectedAnswer,
)
from trading.venues.observation import Observer

logger = logging.getLogger(__name__)

LOOK_S = 0.5  # how often a quiet stream is asked whether its connection lives
SUBSCRIBE_LIMIT_S = 10.0  # a subscription not confirmed for so long is tried again on a new connection
BOOK_DEPTH = 400

Event = Any  # what a stream yields; each public method names its own kinds
Json = Mapping[str, object]


class OkxStreams:
    """Makes the streams of one account."""

    def __init__(
        self, calls: Calls, identities: Identities, clock: Clock, observer: Observer, rng: random.Random
    ) -> None:
        self._calls = calls
        self._identities = identities
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let every stream end."""
        self._closing.set()

    def book(self, market: str, unified: str) -> AsyncIterator[OrderBook | ProofOfLife | StreamReset]:
        """Whole books. ccxt checks the sequence; a gap makes it ask for a new snapshot."""

        def books(structure: Any) -> Iterable[OrderBook]:
            return (shapes.book(structure, market, BOOK_DEPTH),)

        key = f"books:{self._identities.symbol(market)}"
        return self._watched("book", "public", key, lambda client: client.watch_order_book(unified), books)

    def trades(self, market: str, unified: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]:
        """Public prints as they happen."""

        def prints(structure: Any) -> Iterable[PublicTrade]:
            return [shapes.trade(shapes.info(row), market) for row in structure]

        key = f"trades:{self._identities.symbol(market)}"
        return self._watched("trades", "public", key, lambda client: client.watch_trades(unified), prints)

    async def own(self) -> AsyncGenerator[OwnOrder | OwnFill | ProofOfLife | StreamReset, None]:
        """Own orders and fills, every row of the orders channel: ccxt's own cache keeps only an order's last state."""
        queue: asyncio.Queue[Json] = asyncio.Queue(OWN_QUEUE_LIMIT)
        client = self._calls.opened()
        client.own_queues.add(queue)
        watched = self._watched("own", "private", "orders:", lambda client: client.watch_orders(), lambda _: ())
        watching: asyncio.Task[Any] = asyncio.ensure_future(anext(watched))
        reading: asyncio.Task[Json] = asyncio.ensure_future(queue.get())
        try:
            while True:
                await asyncio.wait({watching, reading}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    for event in self._own_events(reading.result()):
                        yield event
                    reading = asyncio.ensure_future(queue.get())
                if watching.done():
                    try:
                        yield watching.result()
                    except StopAsyncIteration:
                        return
                    watching = asyncio.ensure_future(anext(watched))
        finally:
            client.own_queues.discard(queue)
            for task in (watching, reading):
                task.cancel()
            await asyncio.gather(watching, reading, return_exceptions=True)
            await watched.aclose()

    def _own_events(self, row: Json) -> list[OwnOrder | OwnFill | StreamReset]:
        try:
            fill = shapes.pushed_fill(row, self._identities)
            order = shapes.order(row, self._identities)
        except UnexpectedAnswer as error:
            logger.warning("venue stream own: %s", error)
            self._observer.stream_reset("own")
            return [StreamReset("own", str(error))]
        return [order] if fill is None else [fill, order]

    async def _watched(
        self,
        channel: str,
        access: str,
        key: str,
        watch: Callable[[OkxClient], Awaitable[Any]],
        convert: Callable[[Any], Iterable[Event]],
    ) -> AsyncGenerator[Event, None]:
        """Watch for ever. `key` counts the subscription's confirmations: each new one is a reset."""
        client = self._calls.opened()
        url = client.urls["api"]["ws"] + "/" + access
        backoff = Backoff(self._rng)
        life = _Life(client, url, key, self._clock)
        reason = "connected"
        while not self._closing.is_set():
            watching = asyncio.ensure_future(watch(client))
            try:
                while not watching.done():
                    await asyncio.wait({watching}, timeout=LOOK_S)
                    if life.renewed():
                        self._observer.stream_reset(channel)
                        yield StreamReset(channel, reason)
                        reason = "subscribed again by the client"
                    elif life.heard():
                        yield ProofOfLife(channel)
                    if self._closing.is_set():
                        return
                    life.expect_subscription()
                for event in convert(watching.result()):
                    yield event
                backoff.reset()
                continue
            except Exception as error:
                reason = f"{type(error).__name__}: {_short(error)}"
            finally:
                watching.cancel()
                with suppress(Exception, asyncio.CancelledError):
                    await asyncio.gather(watching, return_exceptions=True)
            if not self._closing.is_set():
                logger.warning("venue stream %s broke: %s", channel, reason)
                self._observer.stream_reset(channel)
                yield StreamReset(channel, reason)
                if access == "private":
                    await life.drop()  # ccxt would wait for ever for a login that was refused
                await self._pause(backoff.next_s())

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), pause_s)
        except TimeoutError:
            return


class _NotConfirmed(Exception):
    """The venue did not confirm a subscription in time."""


class _Life:
    """What can be seen of a subscription from outside of ccxt."""

    def __init__(self, client: OkxClient, url: str, key: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._key = key
        self._clock = clock
        self._confirmed = client.subscribed[key]
        self._socket: Any = None
        self._heard: Any = None
        self._since_s = clock.monotonic_s()
        self._on: Any = None  # the connection on which the subscription stands

    def renewed(self) -> bool:
        """The venue confirmed the subscription (again)."""
        count = self._client.subscribed[self._key]
        if count == self._confirmed:
            return False
        self._confirmed = count
        self._on = self._client.clients.get(self._url)
        return True

    def heard(self) -> bool:
        """Something came over the connection on which the subscription stands: a message or a pong."""
        socket = self._client.clients.get(self._url)
        heard = getattr(socket, "last_message_at", None)
        if socket is None or socket is not self._on or heard == self._heard:
            return False
        self._heard = heard
        return True

    def expect_subscription(self) -> None:
        """Raises `_NotConfirmed` when the connection has carried no confirmed subscription for too long."""
        now_s = self._clock.monotonic_s()
        if self._on is not None and self._client.clients.get(self._url) is self._on:
            self._since_s = now_s
        elif now_s - self._since_s > SUBSCRIBE_LIMIT_S:
            self._since_s = now_s
            raise _NotConfirmed("the venue does not confirm the subscription")

    async def drop(self) -> None:
        """Close the connection and let ccxt forget it."""
        self._since_s = self._clock.monotonic_s()
        socket = self._client.clients.pop(self._url, None)
        if socket is not None:
            with suppress(Exception):
                await socket.close()


def _short(error: Exception) -> str:
    """ccxt's message without the request it repeats: at most a line, nothing of ours in it."""
    return str(error).splitlines()[0][:160] if str(error) else ""
