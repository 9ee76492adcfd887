"""Following a stream so that its connection is let go at once when its reader stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def following(stream: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """The stream itself; closed at the end, where it can be (a generator left to the collector keeps its socket)."""
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
