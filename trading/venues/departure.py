"""The moment a write leaves: after signing, with a connection in hand, just before the first byte.

Hung into an aiohttp session as a trace, so it also works for a session that a library uses. It does two things that
nothing else can do in the right place: ask the send guard, and forbid aiohttp to repeat a write on a second connection
(it repeats PUT and DELETE when a kept-alive connection breaks).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp

from trading.clock import Clock
from trading.venues.interface import OutcomeUnknown, SendGuard
from trading.venues.quote_replacement import SentAt


class Departure:
    """One write on its way out."""

    def __init__(self, clock: Clock, guard: SendGuard | None, sent: SentAt) -> None:
        self._clock = clock
        self._guard = guard
        self.sent = sent

    def leave(self) -> None:
        """Called with the connection ready. Raises `NotSent` from the guard, `OutcomeUnknown` when it has left before."""
        if self.sent.ns is not None:
            raise OutcomeUnknown("the connection broke after sending")
        if self._guard is not None:
            self._guard()
        self.sent.ns = self._clock.now_ns()


_current: ContextVar[Departure | None] = ContextVar("venue_departure", default=None)


@contextmanager
def departing(departure: Departure) -> Iterator[Departure]:
    """Around the call that sends; what the call awaits sees this departure, nothing else does."""
    token = _current.set(departure)
    try:
        yield departure
    finally:
        _current.reset(token)


async def _on_connection(session: aiohttp.ClientSession, context: object, params: object) -> None:
    del session, context, params
    departure = _current.get()
    if departure is not None:
        departure.leave()


def departure_trace() -> aiohttp.TraceConfig:
    """The trace to give to a session's `trace_configs`."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_on_connection)
    trace.on_connection_reuseconn.append(_on_connection)
    return trace
