"""WebSocket sessions and their hub: every committed engine event goes to whoever subscribed, in order, with faults."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from trading.sandbox.server.decoding import MAX_BODY_BYTES
from trading.sandbox.server.faults import FaultKind
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import VenueEvent

logger = logging.getLogger("sandbox_venue")

OUTBOX_LIMIT = 5_000  # messages; a client that falls further behind is disconnected
MAX_SESSIONS = 200
PING_INTERVAL_S = 15.0
REORDER_HOLD_S = 0.25


Render = Callable[[Callable[[], str]], str]  # builds an event's message once for all sessions


class Session(ABC):
    """One client's socket. Messages leave in the order in which they were pushed."""

    heartbeat_s: float = 0.0  # 0: no heartbeat message of the dialect's own

    def __init__(self, venue: Venue, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.venue = venue
        self._socket = socket
        self._request = request
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_LIMIT)
        self._held_fill: tuple[str, str] | None = None
        self._dropped = False

    @abstractmethod
    def on_event(self, event: VenueEvent, render: Render) -> None:
        """An engine event happened; push what this client subscribed to."""

    @abstractmethod
    def on_text(self, text: str) -> None:
        """The client sent a text frame. Must refuse nonsense without raising."""

    @property
    @abstractmethod
    def subscriptions(self) -> int:
        """How many subscriptions the client holds."""

    def heartbeat(self) -> str:
        """The dialect's heartbeat message."""
        return ""

    def push(self, channel: str, text: str) -> None:
        """Queue one message; `channel` is what stream faults match."""
        if self._dropped:
            return
        if self.venue.faults.draw(FaultKind.STREAM_DROP, channel):
            self.drop()
            return
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            logger.warning("a stream client fell behind and is disconnected")
            self.drop()

    def push_market(self, channel: str, text: str, *, is_delta: bool) -> None:
        """Queue market data, unless a fault makes it stale or tears a gap."""
        faults = self.venue.faults
        if faults.draw(FaultKind.STALE_BOOK, channel):
            return
        if is_delta and faults.draw(FaultKind.BOOK_GAP, channel):
            return
        self.push(channel, text)

    def push_fill(self, channel: str, text: str) -> None:
        """Queue an own fill, perhaps twice, perhaps after the next one."""
        faults = self.venue.faults
        if self._held_fill is None and faults.draw(FaultKind.REORDER_FILL, channel):
            self._held_fill = (channel, text)
            asyncio.get_running_loop().call_later(REORDER_HOLD_S, self._release_fill)
            return
        self.push(channel, text)
        if faults.draw(FaultKind.DUPLICATE_FILL, channel):
            self.push(channel, text)
        self._release_fill()

    def drop(self) -> None:
        """Reset the connection."""
        self._dropped = True
        if self._request.transport is not None:
            self._request.transport.abort()

    def _release_fill(self) -> None:
        held, self._held_fill = self._held_fill, None
        if held is not None:
            self.push(*held)

    async def run(self) -> None:
        """Read until the client goes; write beside it."""
        tasks = [asyncio.create_task(self._write())]
        if self.heartbeat_s:
            tasks.append(asyncio.create_task(self._beat()))
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
                elif message.type is WSMsgType.BINARY:
                    await self._socket.close(code=1003, message=b"text frames only")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, text: str) -> None:
        try:
            self.on_text(text)
        except Exception:
            logger.exception("a stream message could not be handled")
            self.drop()

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_str(await self._outbox.get())
        except (ConnectionError, RuntimeError):
            self.drop()  # the reader ends then

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_s)
            self.push("stream.heartbeat", self.heartbeat())


SessionFactory = Callable[[Venue, web.WebSocketResponse, web.Request], Session]


class StreamHub:
    """All sessions of one venue, behind one subscription to the engine."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._sessions: dict[Session, web.WebSocketResponse] = {}
        self._unsubscribe = venue.exchange.subscribe(self._on_event)

    def __len__(self) -> int:
        return len(self._sessions)

    def _on_event(self, event: VenueEvent) -> None:
        rendered: list[str] = []

        def render_once(build: Callable[[], str]) -> str:
            if not rendered:
                rendered.append(build())
            return rendered[0]

        for session in tuple(self._sessions):
            try:
                session.on_event(event, render_once)
            except Exception:
                logger.exception("a stream session failed and is dropped")
                session.drop()

    def endpoint(self, factory: SessionFactory) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """An aiohttp handler that upgrades a request and runs its session."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if len(self._sessions) >= MAX_SESSIONS:
                return web.Response(status=503, text="too many streams")
            socket = web.WebSocketResponse(heartbeat=PING_INTERVAL_S, max_msg_size=MAX_BODY_BYTES, compress=False)
            if not socket.can_prepare(request).ok:
                return web.Response(status=426, text="this is a WebSocket", headers={"Upgrade": "websocket"})
            await socket.prepare(request)
            session = factory(self._venue, socket, request)
            self._sessions[session] = socket
            try:
                await session.run()
            finally:
                self._sessions.pop(session, None)
            return socket

        return handle

    def subscriptions(self) -> int:
        """How many subscriptions all clients hold together."""
        return sum(session.subscriptions for session in self._sessions)

    def drop_all(self) -> int:
        """Reset every stream; returns how many."""
        sessions = tuple(self._sessions)
        for session in sessions:
            session.drop()
        return len(sessions)

    async def close(self) -> None:
        """Stop listening to the engine and close every stream in order."""
        self._unsubscribe()
        sockets = tuple(self._sessions.values())
        await asyncio.gather(*(s.close(code=1001, message=b"going away") for s in sockets), return_exceptions=True)
