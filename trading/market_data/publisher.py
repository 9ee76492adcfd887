"""Publishes one market's view: on every change, but never faster than readers could use, and when nothing changes too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from trading import metrics
from trading.clock import Clock
from trading.hot_state.codec import HotStateCorrupt
from trading.hot_state.market import HotClient, write_market_view
from trading.hot_state.orders import read_open_orders
from trading.hot_state.values import HotOrder
from trading.market_data.cadence import Cadence
from trading.market_data.reference import Candidate, ReferenceSource
from trading.market_data.tracker import MarketTracker, Moment

log = structlog.get_logger(__name__)
READ_ATTEMPTS = 3


class MarketPublisher:
    """The only writer of one market's view."""

    def __init__(
        self,
        tracker: MarketTracker,
        client: HotClient,
        clock: Clock,
        cadence: Cadence,
        others: Callable[[MarketTracker, Moment], Sequence[Candidate]],
    ) -> None:
        self._tracker, self._client, self._clock, self._cadence = tracker, client, clock, cadence
        self._others = others
        self._changed = asyncio.Event()
        self._waiting_since_s: float | None = None
        self._source = ReferenceSource.NONE

    def wake(self) -> None:
        """Something about the market changed."""
        if not self._changed.is_set():
            self._waiting_since_s = self._clock.monotonic_s()
            self._changed.set()

    async def run(self) -> None:
        """Publish until cancelled. Raises what Redis raises: the supervisor starts it again."""
        while True:
            try:
                async with asyncio.timeout(self._cadence.publish_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
            await self.publish()
            await asyncio.sleep(self._cadence.publish_gap_s)

    async def publish(self) -> None:
        """Assess the market now and write its view."""
        tracker = self._tracker
        waiting_since_s, self._waiting_since_s = self._waiting_since_s, None
        self._changed.clear()
        orders = await self._orders_behind_the_book()
        now = Moment(self._clock.now_ns(), self._clock.monotonic_s())
        tracker.assess(orders, self._others(tracker, now), now)
        view = tracker.view(now)
        await write_market_view(self._client, view)
        self._measure(now, waiting_since_s)

    async def _orders_behind_the_book(self) -> tuple[HotOrder, ...] | None:
        """Own orders as read after the book was received: an intent is written before it is sent, so that whatever of
        ours the book can show is among them. A book that came during the reading asks for another reading."""
        for _ in range(READ_ATTEMPTS):
            count = self._tracker.state.book_count
            orders = await self._own_orders()
            if self._tracker.state.book_count == count:
                break
        return orders

    async def _own_orders(self) -> tuple[HotOrder, ...] | None:
        try:
            return await read_open_orders(self._client, self._tracker.ref.slug, with_gone=True)
        except HotStateCorrupt as problem:
            log.error("own_orders_unreadable", market=self._tracker.ref.slug, problem=str(problem)[:200])
            return None

    def _measure(self, now: Moment, waiting_since_s: float | None) -> None:
        tracker, slug = self._tracker, self._tracker.ref.slug
        metrics.FEED_AGE_SECONDS.labels(slug).set(tracker.state.proof_age_s(now.s))
        if waiting_since_s is not None:
            metrics.BOOK_PUBLISH_SECONDS.labels(slug).observe(self._clock.monotonic_s() - waiting_since_s)
        if tracker.reference.source is not self._source:
            self._source = tracker.reference.source
            for source in ReferenceSource:
                metrics.REFERENCE_SOURCE.labels(slug, source.value).set(int(source is self._source))
        if tracker.grid is not None:
            measured = tracker.grid.volatility
            metrics.SIGMA.labels(slug, "raw").set(measured.raw)
            metrics.SIGMA.labels(slug, "effective").set(measured.effective)
