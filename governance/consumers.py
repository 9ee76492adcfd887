"""The desk's socket: everything of every market, to members of a staff role only."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import translation

from dcmm_portal.push import PING_EVERY_S, PushConsumer
from governance.access.roles import STAFF_ROLES, has_role
from trading.activity import recent_fills
from trading.events.live import GROUP, market_message
from trading.selectors import all_market_status
from trading.sentence_text import sentence

log = structlog.get_logger(__name__)

FORBIDDEN = 4403
TRY_AGAIN = 1011
# A role taken away, a sign-out or a new password ends the socket within this time.
ROLE_CHECK_EVERY_S = 5.0
EVENT_GROUP = "trading.events"
LANGUAGES = ("en", "dv")


def language_of(query_string: bytes) -> str:
    """`lang=dv` in the socket's address; English for anything else."""
    asked = query_string.decode(errors="replace").split("lang=")[-1][:2]
    return asked if asked in LANGUAGES else "en"


class DeskConsumer(PushConsumer):
    """Sends a `snapshot` per market, then `market` on change, `fills` when there are new ones, `event`, and `ping`."""

    groups = [GROUP, EVENT_GROUP]
    _tasks: tuple[asyncio.Task[None], ...] = ()

    async def connect(self) -> None:
        self._fills: dict[str, int] = {}
        self._language = language_of(self.scope.get("query_string", b""))
        if not await self._is_allowed():
            # Accepted first: only then does a browser learn the code, and can say "sign in" instead of "lost".
            await self.accept()
            await self.close(code=FORBIDDEN)
            return
        await self.accept()
        await self._send_snapshots()
        self._tasks = (asyncio.create_task(self._ping()), asyncio.create_task(self._keep_checking()))

    async def ended(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = ()
        try:
            # The layer's own end of a channel leaves its name in the groups.
            for group in self.groups:
                await self.channel_layer.group_discard(group, self.channel_name)
        except Exception as problem:
            log.debug("desk_groups_not_left", problem=type(problem).__name__)

    async def market_status(self, message: dict[str, Any]) -> None:
        """A market changed."""
        if self._tasks:
            await self._send_market("market", message)

    async def trading_event(self, message: dict[str, Any]) -> None:
        """An event was recorded: the page shows its type; figures follow by `market`."""
        if self._tasks:
            event = message.get("event", {})
            aggregate = str(event.get("aggregate", ""))
            content = {"type": "event", "market": aggregate.split(":")[-1], "event": event.get("type", "")}
            await self.send_json(content)

    async def _send_snapshots(self) -> None:
        for status in await database_sync_to_async(all_market_status)(time.time_ns()):
            await self._send_market("snapshot", market_message(status))

    async def _send_market(self, kind: str, message: dict[str, Any]) -> None:
        status = message["status"]
        with translation.override(self._language):
            text = sentence(status["sentence_key"], status["sentence_args"])
        content = {name: message[name] for name in ("market", "status", "book", "trades")}
        await self.send_json(content | {"type": kind, "sentence": text})
        if self._fills.get(message["market"]) != status["fills"]:
            self._fills[message["market"]] = status["fills"]
            await self._send_fills(message["market"])

    async def _send_fills(self, slug: str) -> None:
        fills = await database_sync_to_async(recent_fills)(slug)
        await self.send_json({"type": "fills", "market": slug, "fills": fills})

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await self.send_json({"type": "ping", "market": None})

    async def _keep_checking(self) -> None:
        code = None
        while code is None:
            await asyncio.sleep(ROLE_CHECK_EVERY_S)
            try:
                code = None if await self._is_allowed() else FORBIDDEN
            except DatabaseError:
                # What cannot be checked is not allowed; the page connects again by itself.
                code = TRY_AGAIN
        await self.close(code=code)

    @database_sync_to_async
    def _is_allowed(self) -> bool:
        from governance.access.sessions import person_of_session

        session = self.scope.get("session")
        return has_role(person_of_session(session.session_key if session else None), *STAFF_ROLES)
