"""Signed webhooks for own fills: in order, at least once, the position surviving a restart."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from trading.sandbox.server import dex_shapes as shapes
from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.faults import FaultKind
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import Fill, VenueEvent

logger = logging.getLogger("sandbox_venue")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
TIMEOUT_S = 5.0
PAGE = 100


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where the fills of an account go. `cursor_path` remembers the last delivered (None: from the first fill on)."""

    url: str
    secret: str = field(repr=False)
    account: str
    cursor_path: Path | None = None


def signature(secret: str, timestamp: str, event_id: str, body: str) -> str:
    """Hex HMAC-SHA256 over timestamp (ms), event id and body, joined by line feeds."""
    message = "\n".join((timestamp, event_id, body)).encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class WebhookSender:
    """Delivers the fills of one account to one URL."""

    def __init__(self, venue: Venue, target: WebhookTarget) -> None:
        self._venue = venue
        self._target = target
        self._wake = asyncio.Event()
        self._cursor = self._read_cursor()

    async def run(self) -> None:
        """Deliver until cancelled."""
        unsubscribe = self._venue.exchange.subscribe(self._on_event)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                while True:
                    self._wake.clear()
                    await self._deliver_all(session)
                    await self._wake.wait()
        finally:
            unsubscribe()

    def _on_event(self, event: VenueEvent) -> None:
        if isinstance(event, Fill) and event.account == self._target.account:
            self._wake.set()

    def _read_cursor(self) -> int:
        path = self._target.cursor_path
        if path is None or not path.exists():
            return 0
        with contextlib.suppress(ValueError, OSError):
            return int(path.read_text(encoding="ascii"))
        logger.warning("webhook cursor unreadable: every fill is sent again, with its old event id")
        return 0

    def _write_cursor(self) -> None:
        path = self._target.cursor_path
        if path is not None:
            fresh = path.with_suffix(".new")
            fresh.write_text(str(self._cursor), encoding="ascii")
            fresh.replace(path)

    async def _deliver_all(self, session: aiohttp.ClientSession) -> None:
        exchange, account = self._venue.exchange, self._target.account
        while page := exchange.fills(account, after_seq=self._cursor, limit=PAGE):
            for fill in page:
                await self._deliver(session, fill)
                self._cursor = fill.seq
                self._write_cursor()

    async def _deliver(self, session: aiohttp.ClientSession, fill: Fill) -> None:
        event_id = f"{self._venue.name}-fill-{fill.seq}"
        body = encode(
            {
                "event_id": event_id,
                "type": "fill",
                "venue": self._venue.name,
                "fill": shapes.fill(fill, self._venue.clock),
            }
        )
        pause_s = FIRST_PAUSE_S
        while not await self._post(session, event_id, body):
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        if self._venue.faults.draw(FaultKind.DUPLICATE_FILL, "webhook"):
            await self._post(session, event_id, body)

    async def _post(self, session: aiohttp.ClientSession, event_id: str, body: str) -> bool:
        timestamp = str(self._venue.clock.venue_ms())
        headers = {
            "Content-Type": "application/json",
            "TDX-EVENT-ID": event_id,
            "TDX-TIMESTAMP": timestamp,
            "TDX-SIGNATURE": signature(self._target.secret, timestamp, event_id, body),
        }
        try:
            async with session.post(self._target.url, data=body.encode(), headers=headers) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False
