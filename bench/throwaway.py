"""A desk on throwaway servers, for benchmarks: real PostgreSQL and Valkey, the demonstration's registry, nothing else running."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from tests.support import plugin  # starts the servers and points the environment at them  # isort: skip

import django

django.setup()


def emptied() -> None:
    """Give the benchmark a fresh database and an empty Valkey, whatever ran before it."""
    from django.db import connections

    from trading.hot_state.connection import sync_client

    connections.close_all()
    plugin.SERVERS.clone(plugin.DATABASE_NAME)
    sync_client().flushdb()


def stop_servers() -> None:
    """End PostgreSQL and Valkey."""
    plugin.SERVERS.stop()


@contextmanager
def venue_process(name: str = "dex") -> Iterator[tuple[dict[str, str], multiprocessing.connection.Connection]]:
    """The sandbox venue in a process of its own; its address and keys, and a pipe: send (bid, ask), or None to end."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(name, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(20):
            raise RuntimeError("the sandbox venue did not start within 20 s")
        yield ours.recv(), ours
    finally:
        ours.send(None)
        process.join(5)
        if process.is_alive():
            process.terminate()


def _serve(name: str, pipe: multiprocessing.connection.Connection) -> None:
    import asyncio

    asyncio.run(_venue(name, pipe))


async def _venue(name: str, pipe: multiprocessing.connection.Connection) -> None:
    import asyncio
    import time

    from trading.sandbox.server.testing import running_venue
    from trading.sandbox.types import RecordTop

    async with running_venue(name) as venue:
        loop, commands = asyncio.get_running_loop(), asyncio.Queue[Any]()
        loop.add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
        pipe.send({"base_url": venue.base_url, "key_id": venue.key_id, "secret": venue.secret,
                   "passphrase": venue.passphrase})  # fmt: skip
        while (command := await commands.get()) is not None:
            bid, ask = command
            at_ns = time.time_ns()
            venue.play(RecordTop(0, Decimal(bid), Decimal(5000), Decimal(ask), Decimal(5000)))
            pipe.send(at_ns)
