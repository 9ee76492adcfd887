"""The public feeds of one market: its book (checked now and then against the venue's own answer) and its prints."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from trading import metrics
from trading.clock import Clock
from trading.market_data.problems import BookBehind, problem_of
from trading.market_data.publisher import MarketPublisher
from trading.market_data.recorder import Recorder
from trading.market_data.streams import following
from trading.market_data.tracker import MarketTracker
from trading.venues.interface import Level, OrderBook, ProofOfLife, PublicTrade, StreamReset, Venue, VenueError

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class MarketFeed:
    """Fills one tracker from one venue."""

    venue: Venue
    tracker: MarketTracker
    publisher: MarketPublisher
    recorder: Recorder | None
    clock: Clock
    audit_s: float

    @property
    def _slug(self) -> str:
        return self.tracker.ref.slug

    async def follow_book(self) -> None:
        """Take in the book stream until it fails, or turns out to be behind the venue (`BookBehind`)."""
        async with asyncio.TaskGroup() as group:
            audit = group.create_task(self._audit())
            await self._read_book()
            audit.cancel()

    async def _read_book(self) -> None:
        counted = {kind: metrics.FEED_MESSAGES.labels(self._slug, kind) for kind in ("book", "proof", "reset")}
        async with following(self.venue.stream_book(self._slug)) as stream:
            async for item in stream:
                self._book_item(item, counted)

    def _book_item(self, item: object, counted: dict[str, Counter]) -> None:
        state, now_s, now_ns = self.tracker.state, self.clock.monotonic_s(), self.clock.now_ns()
        if isinstance(item, OrderBook) and item.market == self._slug:
            counted["book"].inc()
            state.on_book(item, now_s, now_ns)
            if self.recorder:
                self.recorder.on_book(item, now_ns)
            self.publisher.wake()
        elif isinstance(item, ProofOfLife):
            counted["proof"].inc()
            if state.book is not None:
                state.on_proof(now_s)
            if self.recorder:
                self.recorder.flush_when_due(now_ns)
        elif isinstance(item, StreamReset):
            counted["reset"].inc()
            self._lost_thread(item.reason)
            state.on_reset()
            self.publisher.wake()
        else:
            self._garbage("book", item)

    def book_failed(self, error: Exception | None) -> None:
        """The book stream failed: what it told is void."""
        self._lost_thread(type(error).__name__ if error else "the stream ended")
        self.tracker.state.on_feed_failure(problem_of(error))
        self.publisher.wake()

    def _lost_thread(self, reason: str) -> None:
        if self.tracker.state.book is not None:
            metrics.FEED_GAPS.labels(self._slug).inc()
            log.warning("feed_gap", market=self._slug, reason=reason[:200])
        if self.recorder:
            self.recorder.on_reset()

    async def _audit(self) -> None:
        """A stream can be alive and yet stand still: compare its best prices with the venue's own answer.

        Twice in a row while not one book came: a single answer may be a cached one.
        """
        state = self.tracker.state
        suspicions, count = 0, state.book_count
        while True:
            await asyncio.sleep(self.audit_s)
            try:
                told = await self.venue.fetch_orderbook(self._slug, 1)
            except VenueError as problem:
                log.info("book_audit_failed", market=self._slug, problem=str(problem)[:200])
                continue
            stands_still = state.book is not None and state.book_count == count
            count = state.book_count
            suspicions = suspicions + 1 if stands_still and _top(told) != _top(state.book) else 0
            if suspicions >= 2:
                raise BookBehind(f"no book for {2 * self.audit_s:g} s, yet the venue's own answer differs")

    async def follow_trades(self) -> None:
        """Take in the prints: first those that happened before the stream, then the stream."""
        await self._seed_trades()
        counted = metrics.FEED_MESSAGES.labels(self._slug, "trade")
        async with following(self.venue.stream_trades(self._slug)) as stream:
            async for item in stream:
                if isinstance(item, StreamReset):
                    await self._seed_trades()
                elif isinstance(item, PublicTrade) and item.market == self._slug:
                    self._print(item, counted)
                elif not isinstance(item, ProofOfLife):
                    self._garbage("trades", item)

    def _print(self, trade: PublicTrade, counted: Counter) -> None:
        if not self.tracker.state.on_trade(trade):
            return
        counted.inc()
        if self.recorder:
            self.recorder.on_trade(trade, self.clock.now_ns())
        self.publisher.wake()

    async def _seed_trades(self) -> None:
        try:
            for trade in await self.venue.fetch_trades(self._slug, 50):
                self.tracker.state.on_trade(trade)
        except VenueError as problem:
            log.info("trades_not_seeded", market=self._slug, problem=str(problem)[:200])

    def _garbage(self, channel: str, item: object) -> None:
        metrics.FEED_MESSAGES.labels(self._slug, "garbage").inc()
        log.warning("feed_garbage", market=self._slug, channel=channel, kind=type(item).__name__)


def _top(book: OrderBook | None) -> tuple[Level | None, Level | None]:
    if book is None:
        return None, None
    return (book.bids[0] if book.bids else None), (book.asks[0] if book.asks else None)
