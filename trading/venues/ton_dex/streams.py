"""The WebSocket of a TON-DEX venue: one connection per stream, which always comes back."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from trading.clock import Clock
from trading.venues.backoff import Backoff
from trading.venues.decoding import mapping
from trading.venues.identity import Identities
from trading.venues.interface import (
    OrderBook,
    OwnFill,
    OwnOrder,
    ProofOfLife,
    PublicTrade,
    StreamReset,
    UnexpectedAnswer,
    VenueError,
    printable,
)
from trading.venues.observation import Observer
from trading.venues.ton_dex import shapes
from trading.venues.ton_dex.book import BookAssembly, SequenceGap
from trading.venues.ton_dex.transport import DexTransport
from trading.venues.venue_time import VenueTime

logger = logging.getLogger(__name__)

PATH = "/v1/stream"
CONNECT_TIMEOUT_S = 5.0
QUIET_S = 0.75  # without a message for so long we ask for a pong
SILENT_S = 5.0  # without any message for so long the connection is dead
MAX_MESSAGE_BYTES = 8 * 1024 * 1024

SUBSCRIBED = "subscribed"  # the inner reason of a fresh connection's reset; the outer loop knows why it was made
DATA_TYPES = frozenset({"book_snapshot", "book_delta", "trade", "order", "fill"})
CONTROL_TYPES = frozenset({"heartbeat", "pong", "subscribed", "unsubscribed", "logged_in"})

Json = Mapping[str, object]
Event = Any  # what a stream yields; each public method names its own kinds


class StreamBroken(Exception):
    """This connection is of no more use; the message says why."""


class Connection:
    """An open socket whose messages are decoded and whose life is proven."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, clock: Clock, time: VenueTime) -> None:
        self._socket = socket
        self._clock = clock
        self._time = time
        self._pinged_ns: int | None = None
        self._heard_s = clock.monotonic_s()

    async def send(self, message: Json) -> None:
        """Send one object."""
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def receive(self) -> Json | None:
        """The next object; None after a quiet moment (a ping was sent). Raises `StreamBroken`."""
        try:
            message = await self._socket.receive(timeout=QUIET_S)
        except TimeoutError:
            if self._clock.monotonic_s() - self._heard_s > SILENT_S:
                raise StreamBroken("the venue is silent") from None
            self._pinged_ns = self._pinged_ns or self._clock.now_ns()
            await self.send({"op": "ping", "id": 0})
            return None
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise StreamBroken(f"the connection ended ({message.type.name.lower()})")
        self._heard_s = self._clock.monotonic_s()
        try:
            fields = mapping(msgspec.json.decode(message.data), "message")
        except (msgspec.DecodeError, RecursionError):
            raise UnexpectedAnswer("a stream message is not JSON") from None
        self._compare_clocks(fields)
        return fields

    def _compare_clocks(self, fields: Json) -> None:
        """Books, prints, heartbeats and pongs carry the venue's time; a pong's is not from before its ping."""
        told_ms, since_ns = fields.get("ts_ms"), None
        if fields.get("type") == "pong":
            since_ns, self._pinged_ns = self._pinged_ns, None
        if isinstance(told_ms, int) and not isinstance(told_ms, bool):
            self._time.told(told_ms * 1_000_000, since_ns)


class DexStreams:
    """Makes the streams of one account."""

    def __init__(
        self,
        ws_url: str,
        transport: DexTransport,
        identities: Identities,
        clock: Clock,
        observer: Observer,
        rng: random.Random,
    ) -> None:
        self._ws_url = ws_url
        self._transport = transport
        self._identities = identities
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let every stream end."""
        self._closing.set()

    def book(self, market: str) -> AsyncIterator[OrderBook | ProofOfLife | StreamReset]:
        """Whole books; a gap asks for a new snapshot on the same connection."""
        symbol = self._identities.symbol(market)
        return self._again_and_again("book", lambda connection: self._books(market, symbol, connection))

    def trades(self, market: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]:
        """Public prints as they happen."""
        symbol = self._identities.symbol(market)
        return self._again_and_again("trades", lambda connection: self._prints(market, symbol, connection))

    def own(self) -> AsyncIterator[OwnOrder | OwnFill | ProofOfLife | StreamReset]:
        """Changes of own orders and own fills."""
        return self._again_and_again("own", self._own_events)

    async def _again_and_again(
        self, channel: str, events: Callable[[Connection], AsyncGenerator[Event, None]]
    ) -> AsyncGenerator[Event | StreamReset, None]:
        """Connect, tell so, pass events on; when it breaks, wait a little and begin again, for ever."""
        backoff = Backoff(self._rng)
        reason = "connected"
        while not self._closing.is_set():
            try:
                async with self._connection() as connection, aclosing(events(connection)) as stream:
                    async for event in stream:
                        if isinstance(event, StreamReset):
                            self._observer.stream_reset(channel)
                            yield StreamReset(channel, reason if event.reason == SUBSCRIBED else event.reason)
                            continue
                        backoff.reset()
                        yield event
            except (aiohttp.ClientError, OSError, TimeoutError, StreamBroken, VenueError) as error:
                reason = f"reconnected after: {error or type(error).__name__}"
            if not self._closing.is_set():
                logger.warning("venue stream %s broke: %s", channel, reason)
                await self._pause(backoff.next_s())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        connecting = self._transport.session.ws_connect(
            self._ws_url, timeout=timeout, max_msg_size=MAX_MESSAGE_BYTES, compress=0
        )
        socket = await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        try:
            yield Connection(socket, self._clock, self._transport.time)
        finally:
            await socket.close()

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), pause_s)
        except TimeoutError:
            return

    async def _messages(self, channel: str, connection: Connection) -> AsyncGenerator[Json | ProofOfLife, None]:
        """Messages that carry data; what only proves life comes as that. Raises `StreamBroken` on a refusal."""
        while True:
            message = await connection.receive()
            if message is None:
                continue
            kind = message.get("type")
            if kind in DATA_TYPES:
                yield message
            elif kind == "error":
                self._refused(message)
            else:
                if kind not in CONTROL_TYPES:
                    logger.warning("venue stream %s: a message of a type never seen before", channel)
                yield ProofOfLife(channel)

    def _refused(self, message: Json) -> None:
        code = message.get("code")
        if code == "timestamp_out_of_window":
            self._transport.clock_refused = True
        raise StreamBroken(f"the venue refused: {printable(str(code), 80)}")

    async def _books(self, market: str, symbol: str, connection: Connection) -> AsyncGenerator[Event, None]:
        assembly = BookAssembly(market, contract_value=self._identities.contract_value(symbol))
        subscribe = {"op": "subscribe", "id": 1, "channel": "book", "symbol": symbol}
        await connection.send(subscribe)
        yield StreamReset("book", SUBSCRIBED)
        async with aclosing(self._messages("book", connection)) as messages:
            async for message in messages:
                if isinstance(message, ProofOfLife):
                    yield message
                    continue
                if message.get("type") == "book_snapshot":
                    yield assembly.snapshot(message)
                    continue
                try:
                    book = assembly.delta(message)
                except SequenceGap as gap:
                    assembly.forget()
                    await connection.send(subscribe)
                    yield StreamReset("book", str(gap))
                    continue
                yield ProofOfLife("book") if book is None else book

    async def _prints(self, market: str, symbol: str, connection: Connection) -> AsyncGenerator[Event, None]:
        await connection.send({"op": "subscribe", "id": 1, "channel": "trades", "symbol": symbol})
        await self._answered("subscribed", 1, connection)
        contract_value = self._identities.contract_value(symbol)
        yield StreamReset("trades", SUBSCRIBED)
        async with aclosing(self._messages("trades", connection)) as messages:
            async for message in messages:
                yield message if isinstance(message, ProofOfLife) else shapes.trade(message, market, contract_value)

    async def _own_events(self, connection: Connection) -> AsyncGenerator[Event, None]:
        await connection.send({"op": "login", "id": 1, **self._transport.login_fields(PATH)})
        await self._answered("logged_in", 1, connection)
        await connection.send({"op": "subscribe", "id": 2, "channel": "orders"})
        await connection.send({"op": "subscribe", "id": 3, "channel": "fills"})
        await self._answered("subscribed", 2, connection)
        yield StreamReset("own", SUBSCRIBED)
        async with aclosing(self._messages("own", connection)) as messages:
            async for message in messages:
                if isinstance(message, ProofOfLife):
                    yield message
                elif message.get("type") == "order":
                    yield shapes.order(mapping(message.get("order"), "order"), self._identities)
                else:
                    fields = mapping(message.get("fill"), "fill")
                    yield shapes.fill(fields, self._identities, from_history=False)

    async def _answered(self, kind: str, times: int, connection: Connection) -> None:
        """Wait until the venue confirmed. The reset is told after that: what is fetched then has no hole behind it."""
        while times:
            message = await connection.receive()
            if message is None:
                continue
            if message.get("type") == "error":
                self._refused(message)
            times -= message.get("type") == kind
