"""Reads an account's own fills, transfers and funding from the venue's history into the inbox, and tells how far it read.

Every poll starts at the cursor that PostgreSQL committed, never at one remembered: what Redis lost before the ledger booked
it is read again. The cursor told lags behind what was read, so that the next poll overlaps: a venue may list a fill late,
or behind one already listed. Reading twice is harmless, the ledger counts a key once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from trading import metrics
from trading.clock import Clock
from trading.hot_state.inbox import (
    append_cursor_move_async,
    append_fill_async,
    append_funding_async,
    append_transfer_async,
)
from trading.hot_state.incoming import AccountMarkets, raw_fill, raw_funding, raw_transfer
from trading.hot_state.market import HotClient
from trading.hot_state.values import CursorMove
from trading.venues.interface import OwnFill, Venue, VenueTransfer
from trading.venues.perpetuals import FundingPayment

log = structlog.get_logger(__name__)
PAGE = 100
# An entry is read again until it is this old, or that many newer ones were read.
OVERLAP_NS = 60_000_000_000
OVERLAP_ENTRIES = 50
FILLS, TRANSFERS, FUNDING = "fills", "transfers", "funding"

Entry = TypeVar("Entry", OwnFill, VenueTransfer, FundingPayment)
ReadCursor = Callable[[str, str], Awaitable[str]]
"""(account, channel) → the cursor that PostgreSQL committed, "" for none."""


class LaggingCursor:
    """How far a cursor may move while entries are read, oldest first."""

    def __init__(self, start: str, now_ns: int) -> None:
        self.moved_to = start
        self._settled_before_ns = now_ns - OVERLAP_NS
        self._recent: deque[str] = deque()

    def read(self, cursor: str, venue_ns: int) -> None:
        """One entry was put into the inbox."""
        if not cursor:
            return
        if venue_ns <= self._settled_before_ns:
            self._recent.clear()
            self.moved_to = cursor
            return
        self._recent.append(cursor)
        if len(self._recent) > OVERLAP_ENTRIES:
            self.moved_to = self._recent.popleft()


class HistoryPoll:
    """The history of one account."""

    def __init__(
        self,
        venue: Venue,
        markets: AccountMarkets,
        client: HotClient,
        clock: Clock,
        read_cursor: ReadCursor,
        on_own_trade: Callable[[str, str], None],
    ) -> None:
        self._venue, self._markets, self._client, self._clock = venue, markets, client, clock
        self._read_cursor = read_cursor
        self._on_own_trade = on_own_trade

    async def poll(self) -> int:
        """Everything new (and the overlap) of every channel; how many fills were read. Raises what the venue raises."""
        fills = await self._drain_fills()
        await self._drain_transfers()
        if any(ref.is_perpetual for ref in self._markets.refs.values()):
            await self._drain_funding()
        return fills

    async def _drain_fills(self) -> int:
        count = 0

        async def fetch(cursor: str) -> Sequence[OwnFill]:
            return await self._venue.fetch_my_trades(None, cursor, PAGE)

        async def append(fill: OwnFill) -> None:
            nonlocal count
            count += 1
            await self._append_fill(fill)

        await self._drain(FILLS, fetch, append)
        metrics.HISTORY_FILLS_READ.labels(self._venue.account).inc(count)
        return count

    async def _append_fill(self, fill: OwnFill) -> None:
        self._on_own_trade(fill.market, fill.trade_id)
        await append_fill_async(self._client, raw_fill(fill, self._markets, "poll", self._clock.now_ns()))

    async def _drain_transfers(self) -> None:
        async def fetch(cursor: str) -> Sequence[VenueTransfer]:
            return await self._venue.fetch_transfers(cursor, PAGE)

        async def append(transfer: VenueTransfer) -> None:
            raw = raw_transfer(transfer, self._markets, "poll", self._clock.now_ns())
            await append_transfer_async(self._client, raw)

        await self._drain(TRANSFERS, fetch, append)

    async def _drain_funding(self) -> None:
        async def fetch(cursor: str) -> Sequence[FundingPayment]:
            return await self._venue.fetch_funding(None, cursor, PAGE)

        async def append(payment: FundingPayment) -> None:
            raw = raw_funding(payment, self._markets, "poll", self._clock.now_ns())
            await append_funding_async(self._client, raw)

        await self._drain(FUNDING, fetch, append)

    async def _drain(
        self,
        channel: str,
        fetch: Callable[[str], Awaitable[Sequence[Entry]]],
        append: Callable[[Entry], Awaitable[None]],
    ) -> None:
        """Page after page from the committed cursor; the move is told after what it covers."""
        at = await self._read_cursor(self._venue.account, channel)
        lagging = LaggingCursor(at, self._clock.now_ns())
        told = at
        while page := await fetch(at):
            for entry in page:
                await append(entry)
                lagging.read(entry.cursor, entry.venue_ns)
            if lagging.moved_to != told:
                told = lagging.moved_to
                await append_cursor_move_async(self._client, CursorMove(self._venue.account, channel, told))
            if not page[-1].cursor or page[-1].cursor == at:
                log.error("history_stands_still", account=self._venue.account, channel=channel)
                return
            at = page[-1].cursor
