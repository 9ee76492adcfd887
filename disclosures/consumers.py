"""The public socket: each market in its public form, nothing finer."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from dcmm_portal.push import PING_EVERY_S, PushConsumer
from disclosures.jurisdictions.sockets import REFUSED_IN_JURISDICTION, is_refused
from disclosures.transparency.public_market import public_json, public_markets
from trading.events.live import GROUP

# Several changes within this time are told as one, and all visitors of a process share one reading.
GATHER_S = 0.1
_shared: dict[str, Any] = {"at": 0.0, "markets": []}
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def read_public() -> list[dict[str, Any]]:
    """Every market's public form."""
    return [public_json(market) for market in public_markets(time.time_ns())]


async def shared_markets() -> list[dict[str, Any]]:
    """The public markets, read at most every `GATHER_S` in this process however many visitors there are."""
    async with _locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        if time.monotonic() - _shared["at"] >= GATHER_S:
            _shared["markets"] = await database_sync_to_async(read_public)()
            _shared["at"] = time.monotonic()
    markets: list[dict[str, Any]] = _shared["markets"]
    return markets


class PublicConsumer(PushConsumer):
    """Sends a `snapshot` per market, then `market` on change, and `ping`."""

    groups = [GROUP]

    async def connect(self) -> None:
        self._changed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        await self.accept()
        if await is_refused(self.scope):
            await self.close(code=REFUSED_IN_JURISDICTION)
            return
        for market in await shared_markets():
            await self.send_json({"type": "snapshot", "market": market["slug"], "status": market})
        self._tasks = [asyncio.create_task(self._ping()), asyncio.create_task(self._tell())]

    async def disconnect(self, code: int) -> None:
        for task in self._tasks:
            task.cancel()

    async def market_status(self, message: dict[str, Any]) -> None:
        """A market changed: read its public form again soon. The group's own message is finer than the public may see."""
        self._changed.add(message["market"])

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(GATHER_S)
            changed, self._changed = self._changed, set()
            if not changed:
                continue
            for market in await shared_markets():
                if market["slug"] in changed:
                    await self.send_json({"type": "market", "market": market["slug"], "status": market})

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            # A rule that came while the socket was open.
            if await is_refused(self.scope):
                await self.close(code=REFUSED_IN_JURISDICTION)
                return
            await self.send_json({"type": "ping", "market": None})
