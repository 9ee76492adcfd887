"""Streams through ccxt's `watch_*`: what they yield, proofs of life between, and every renewal told."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trading.clock import Clock
from trading.venues.backoff import Backoff
from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import Calls
from trading.venues.ccxt_okx.exchanged import QUEUE_LIMIT, SUBSCRIBED
from trading.venues.identity import Identities
from trading.venues.interface import (
    OrderBook,
    OwnFill,
    OwnOrder,
    ProofOfLife,
    PublicTrade,
    StreamReset,
    UnexpectedAnswer,
    printable,
)
from trading.venues.observation import Observer

if TYPE_CHECKING:
    from trading.venues.ccxt_okx.client import OkxClient

logger = logging.getLogger(__name__)

LOOK_S = 0.5  # how often a quiet stream is asked whether its connection lives
SILENT_S = 2.5  # the client pings every second: a connection that says nothing for so long is dead
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
        client = self._calls.opened()
        contract_value = self._identities.contract_value(self._identities.symbol(market))

        def books(told: Iterable[Json]) -> Iterable[OrderBook]:
            del told  # that it changed; several changes since the last look are one book
            held = (client.orderbooks or {}).get(unified)
            return () if held is None else (shapes.book(held, market, BOOK_DEPTH, contract_value),)

        key = f"books:{self._identities.symbol(market)}"
        return self._told("book", "public", key, lambda client: client.watch_order_book(unified), books)

    def trades(self, market: str, unified: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]:
        """Public prints as they happen."""
        contract_value = self._identities.contract_value(self._identities.symbol(market))

        def prints(told: Iterable[Json]) -> Iterable[PublicTrade]:
            return [shapes.trade(row, market, contract_value) for row in told]

        key = f"trades:{self._identities.symbol(market)}"
        return self._told("trades", "public", key, lambda client: client.watch_trades(unified), prints)

    def own(self, saw: Callable[[OwnOrder], OwnOrder]) -> AsyncIterator[OwnOrder | OwnFill | ProofOfLife | StreamReset]:
        """Own orders and fills; each order is also shown to `saw`."""

        def events(told: Iterable[Json]) -> Iterable[OwnOrder | OwnFill]:
            for row in told:
                fill = shapes.pushed_fill(row, self._identities)
                if fill is not None:
                    yield fill
                yield saw(shapes.order(row, self._identities))

        return self._told("own", "private", "orders:", lambda client: client.watch_orders(), events)

    async def _told(
        self,
        channel: str,
        access: str,
        key: str,
        watch: Callable[[OkxClient], Awaitable[Any]],
        convert: Callable[[Iterable[Json]], Iterable[Event]],
    ) -> AsyncGenerator[Event, None]:
        """What the client's hooks tell under `key`, while `_watched` keeps the subscription standing."""
        queue: asyncio.Queue[Json] = asyncio.Queue(QUEUE_LIMIT)
        client = self._calls.opened()
        client.queues[key].add(queue)
        life = _Life(client, f"{client.urls['api']['ws']}/{access}", self._clock)
        watched = self._watched(channel, life, watch)
        watching: asyncio.Task[Any] = asyncio.ensure_future(anext(watched))
        reading: asyncio.Task[Json] = asyncio.ensure_future(queue.get())
        try:
            while True:
                await asyncio.wait({watching, reading}, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    if isinstance(watching.exception(), StopAsyncIteration):
                        return
                    yield watching.result()
                    watching = asyncio.ensure_future(anext(watched))
                if reading.done():
                    for event in self._events(channel, life, [reading.result(), *_drained(queue)], convert):
                        yield event
                    reading = asyncio.ensure_future(queue.get())
        finally:
            client.queues[key].discard(queue)
            for task in (watching, reading):
                task.cancel()
            await asyncio.gather(watching, reading, return_exceptions=True)
            await watched.aclose()

    def _events(
        self, channel: str, life: _Life, told: list[Json], convert: Callable[[Iterable[Json]], Iterable[Event]]
    ) -> Iterable[Event]:
        """Events of these rows: what came before a new subscription, its reset, what came after."""
        while SUBSCRIBED in told:
            at = told.index(SUBSCRIBED)
            yield from self._converted(channel, told[:at], convert)
            self._observer.stream_reset(channel)
            yield StreamReset(channel, life.subscribed())
            told = told[at + 1 :]
        yield from self._converted(channel, told, convert)

    def _converted(
        self, channel: str, told: list[Json], convert: Callable[[Iterable[Json]], Iterable[Event]]
    ) -> Iterable[Event]:
        """Events of rows of one subscription; a row that can't be read is a reset, so that what it told is fetched."""
        if not told:
            return
        try:
            yield from convert(told)
        except UnexpectedAnswer as error:
            logger.warning("venue stream %s: %s", channel, error)
            self._observer.stream_reset(channel)
            yield StreamReset(channel, str(error))

    async def _watched(
        self,
        channel: str,
        life: _Life,
        watch: Callable[[OkxClient], Awaitable[Any]],
    ) -> AsyncGenerator[ProofOfLife | StreamReset, None]:
        """Keep the subscription standing for ever: proofs of life while it does, a reset when it breaks."""
        backoff = Backoff(self._rng)
        while not self._closing.is_set():
            watching = asyncio.ensure_future(watch(self._calls.opened()))
            try:
                while not watching.done():
                    await asyncio.wait({watching}, timeout=LOOK_S)
                    if self._closing.is_set():
                        return
                    if life.heard():
                        yield ProofOfLife(channel)
                    life.check()
                if watching.cancelled():
                    raise _Broken("the connection was closed")
                watching.result()
                backoff.reset()
                continue
            except Exception as error:
                dead = isinstance(error, _Broken)
                life.reason = f"{type(error).__name__}: {_short(error)}"
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            if not self._closing.is_set():
                logger.warning("venue stream %s broke: %s", channel, life.reason)
                self._observer.stream_reset(channel)
                yield StreamReset(channel, life.reason)
                # A gap heals on the same connection. ccxt would wait for ever on one that only looks open, and for the
                # answer to a login that was refused.
                if dead or life.private:
                    await life.drop()
                await self._pause(backoff.next_s())

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), pause_s)
        except TimeoutError:
            return


def _drained(queue: asyncio.Queue[Json]) -> list[Json]:
    rows = []
    while not queue.empty():
        rows.append(queue.get_nowait())
    return rows


class _Broken(Exception):
    """The connection is of no more use; the message says why."""


class _Life:
    """What can be seen of a subscription from outside of ccxt. `reason`: why it was, or must be, made again."""

    def __init__(self, client: OkxClient, url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self.private = url.endswith("/private")
        self._heard: Any = None
        self._since_s = clock.monotonic_s()
        self._on: Any = None  # the connection on which the subscription stands
        self.reason = "connected"

    def subscribed(self) -> str:
        """The venue confirmed the subscription; returns why it was made."""
        self._on = self._client.clients.get(self._url)
        self._since_s = self._clock.monotonic_s()
        reason, self.reason = self.reason, "subscribed again by the client"
        return reason

    def heard(self) -> bool:
        """Something came over the connection on which the subscription stands: a message or a pong."""
        socket = self._client.clients.get(self._url)
        heard = getattr(socket, "last_message_at", None)
        if socket is None or socket is not self._on or heard == self._heard:
            return False
        self._heard = heard
        self._since_s = self._clock.monotonic_s()
        return True

    def check(self) -> None:
        """Raises `_Broken` when a standing subscription is silent, or none was confirmed, for too long."""
        standing = self._on is not None and self._client.clients.get(self._url) is self._on
        quiet_s = self._clock.monotonic_s() - self._since_s
        if standing and quiet_s > SILENT_S:
            raise _Broken("the venue answers no ping")
        if quiet_s > SUBSCRIBE_LIMIT_S:
            raise _Broken("the venue does not confirm the subscription")

    async def drop(self) -> None:
        """Close our connection, unless another stream has renewed it already."""
        self._since_s = self._clock.monotonic_s()
        socket = self._client.clients.get(self._url)
        if socket is not None and self._on in (None, socket):
            self._client.clients.pop(self._url, None)
            with suppress(Exception):
                await socket.close()


def _short(error: Exception) -> str:
    """ccxt's message without the request it repeats: at most a line, nothing of ours in it."""
    return printable(str(error).splitlines()[0], 160) if str(error).strip() else ""
