"""A running venue inside the current event loop, for tests of adapters and of whatever talks to a venue.

    async with running_venue("dex") as venue:
        venue.exchange.deposit("desk", "USDT", Decimal(10), venue.clock.engine_ns())   # beyond the catalogue's deposits
        venue.play(RecordTop(0, Decimal("0.2693"), Decimal(500), Decimal("0.2694"), Decimal(500)))
        ... client at venue.base_url / venue.ws_url with venue.key_id, venue.secret (and venue.passphrase on "cex") ...
        venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1))
        venue.clock.skew_s = 7.0

Everything is real: sockets on a free port, the engine, its SQLite ledger in a temporary directory. There is no replay:
the market is what `play` makes of it. Rate limits are off unless `rate_scale` says otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trading.sandbox.exchange import Exchange
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.faults import FaultRule, Faults
from trading.sandbox.types import RecordEvent


@dataclass(slots=True)
class RunningVenue:
    """What a test needs of the venue it runs. URLs carry no trailing slash."""

    base_url: str  # http://127.0.0.1:PORT
    ws_url: str  # dex: ws://127.0.0.1:PORT/v1/stream; cex: ws://127.0.0.1:PORT/ws/v5 (ccxt adds /public, /private)
    account: str
    key_id: str
    secret: str
    passphrase: str
    control_token: str
    exchange: Exchange
    faults: Faults
    clock: VenueClock

    def play(self, event: RecordEvent, symbol: str | None = None) -> None:
        """Let one recorded market event happen now (in the venue's only symbol, unless named)."""
        raise RuntimeError("being built")

    async def drop_streams(self) -> int:
        """Reset every open WebSocket; returns how many."""
        raise RuntimeError("being built")


@asynccontextmanager
async def running_venue(
    venue: str = "dex",
    *,
    exchange: Exchange | None = None,
    faults: Iterable[FaultRule] = (),
    clock_skew_s: float = 0.0,
    seed: int = 1,
    rate_scale: float = 0.0,
    webhook_url: str = "",
    webhook_secret: str = "",
) -> AsyncIterator[RunningVenue]:
    """Serve a venue of the dialect `dex` or `cex` until the block ends.

    exchange: an engine of the test's own (any instruments); otherwise one with the catalogue's listings of that venue
    and the catalogue's deposits for account "desk". rate_scale multiplies every rate limit; 0 = no limits.
    """
    raise RuntimeError("being built")
    yield
