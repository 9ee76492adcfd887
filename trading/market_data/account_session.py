"""One of our accounts at its venue while it is connected: every channel a child of its own that fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from trading import metrics
from trading.clock import Clock
from trading.hot_state.inbox import append_fill_async
from trading.hot_state.incoming import AccountMarkets, raw_fill
from trading.hot_state.market import HotClient, pop_poll_request, write_balances, write_market_info
from trading.hot_state.orders import apply_venue_order
from trading.hot_state.reconciled import request_comparison
from trading.hot_state.values import HotBalance, HotBalances
from trading.market_data.book_feed import MarketFeed
from trading.market_data.cadence import Cadence
from trading.market_data.history_poll import HistoryPoll, ReadCursor
from trading.market_data.market_state import read_clock
from trading.market_data.order_audit import audit_orders
from trading.market_data.problems import FeedProblem, problem_of
from trading.market_data.publisher import MarketPublisher
from trading.market_data.recorder import Recorder, RecorderPolicy
from trading.market_data.streams import following
from trading.market_data.supervision import keep_running
from trading.market_data.tracker import MarketTracker
from trading.registry.selectors import MarketRef
from trading.venues.interface import (
    OwnFill,
    OwnOrder,
    ProofOfLife,
    RejectReason,
    StreamReset,
    Venue,
    VenueError,
    VenueRejected,
)

log = structlog.get_logger(__name__)
OPEN_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 1.0


class OpenVenue(Protocol):
    """Makes the adapter of an account (trading.venues.factory.open_venue)."""

    def __call__(
        self, market_refs: Sequence[MarketRef], account_slug: str, clock: Clock, *, known: Sequence[MarketRef]
    ) -> Venue: ...


class MissingMarketFound(Exception):
    """A market that the venue did not list is there now: the session is made anew with it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every session shares. `known`: all markets of the registry, also those switched off."""

    client: HotClient
    clock: Clock
    cadence: Cadence
    open_venue: OpenVenue
    read_cursor: ReadCursor
    recorder: RecorderPolicy | None
    stop: asyncio.Event
    known: Sequence[MarketRef]


class AccountSession:
    """Runs one account; `run` ends only by failing or being cancelled."""

    def __init__(
        self,
        account: str,
        trackers: Mapping[str, MarketTracker],
        publishers: Mapping[str, MarketPublisher],
        around: Surroundings,
    ) -> None:
        self.account = account
        self._trackers, self._publishers, self._around = trackers, publishers, around
        served = [tracker.ref for tracker in trackers.values()]
        self._markets = AccountMarkets.of([*(ref for ref in around.known if ref.account == account), *served])
        self._poll_now = asyncio.Event()
        self._balances_now = asyncio.Event()
        self._orders_now = asyncio.Event()
        self._own_alive = False
        self._auth_problems: set[str] = set()
        self._has_perpetuals = any(ref.is_perpetual for ref in self._markets.refs.values())

    # --- connecting -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and follow every channel. Raises what opening the venue raises."""
        self._tell_all(FeedProblem.CONNECTING)
        venue, listed = await self._open_listed()
        recorders: dict[str, Recorder] = {}
        try:
            for slug in listed:
                await self._learn_market(venue, slug, recorders)
            await self._tell_rules()
            self._auth_problems.clear()
            for slug in listed:
                self._tell(slug, FeedProblem.NONE)
            await self._follow(venue, listed, recorders)
        finally:
            for recorder in recorders.values():
                recorder.close()
            await _close(venue)

    def failed(self, error: Exception | None) -> None:
        """The session ended: its markets say why."""
        problem = problem_of(error)
        self._tell_all(problem)
        metrics.FEED_RESTARTS.labels(self.account, "session", problem.value).inc()

    async def _open_listed(self) -> tuple[Venue, list[str]]:
        """The open venue and its markets that it lists; those it does not know are told apart one by one."""
        slugs = list(self._trackers)
        try:
            return await self._open(slugs), slugs
        except VenueRejected as refusal:
            if refusal.reason is not RejectReason.UNKNOWN_MARKET or len(slugs) < 2:
                raise
        listed = [slug for slug in slugs if await self._is_listed(slug)]
        if not listed:
            raise VenueRejected(RejectReason.UNKNOWN_MARKET, f"the venue lists none of: {', '.join(slugs)}")
        return await self._open(listed), listed

    async def _open(self, slugs: Sequence[str]) -> Venue:
        refs = [self._trackers[slug].ref for slug in slugs]
        others = [ref for slug, ref in self._markets.refs.items() if slug not in slugs]
        venue = self._around.open_venue(refs, self.account, self._around.clock, known=others)
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await venue.open()
        except BaseException:
            await _close(venue)
            raise
        return venue

    async def _is_listed(self, slug: str) -> bool:
        try:
            venue = await self._open([slug])
        except VenueRejected as refusal:
            if refusal.reason is not RejectReason.UNKNOWN_MARKET:
                raise
            self._tell(slug, FeedProblem.UNKNOWN_MARKET)
            log.error("unknown_market", market=slug, account=self.account, problem=refusal.message)
            return False
        await _close(venue)
        return True

    async def _learn_market(self, venue: Venue, slug: str, recorders: dict[str, Recorder]) -> None:
        tracker = self._trackers[slug]
        tracker.info = info = await venue.market_info(slug)
        if self._around.recorder:
            source = f"{tracker.ref.venue} {slug}, as published, own orders included"
            label = info.label or tracker.ref.source_label
            recorders[slug] = Recorder(info, self._around.recorder, source, label)

    def _tell_all(self, problem: FeedProblem) -> None:
        for slug in self._trackers:
            self._tell(slug, problem)

    def _tell(self, slug: str, problem: FeedProblem) -> None:
        self._trackers[slug].state.account_problem = problem
        self._publishers[slug].wake()

    # --- children -------------------------------------------------------------------------------------------------------

    async def _follow(self, venue: Venue, listed: Sequence[str], recorders: Mapping[str, Recorder]) -> None:
        refs = {slug: self._trackers[slug].ref for slug in listed}
        around = self._around
        history = HistoryPoll(venue, self._markets, around.client, around.clock, around.read_cursor, self._own_trade)
        missing = [slug for slug in self._trackers if slug not in refs]
        async with asyncio.TaskGroup() as group:
            for slug in listed:
                publisher, recorder = self._publishers[slug], recorders.get(slug)
                feed = MarketFeed(
                    venue, self._trackers[slug], publisher, recorder, around.clock, around.cadence.audit_s
                )
                group.create_task(self._keep(f"book:{slug}", feed.follow_book, feed.book_failed))
                group.create_task(self._keep(f"trades:{slug}", feed.follow_trades))
            group.create_task(self._keep("own", lambda: self._follow_own(venue), self._own_failed))
            group.create_task(self._keep("history", lambda: self._poll_history(history)))
            group.create_task(self._keep("orders", lambda: self._audit_orders(venue, refs.keys())))
            group.create_task(self._keep("requests", self._hear_requests))
            group.create_task(self._keep("balances", lambda: self._poll_balances(venue)))
            group.create_task(self._keep("clock", lambda: self._read_clock(venue)))
            if perpetuals := [slug for slug in listed if self._trackers[slug].ref.is_perpetual]:
                group.create_task(self._keep("funding_rate", lambda: self._read_funding_rates(venue, perpetuals)))
            if missing:
                group.create_task(self._look_for(missing))

    async def _keep(
        self,
        channel: str,
        child: Callable[[], Awaitable[None]],
        on_failure: Callable[[Exception | None], None] | None = None,
    ) -> None:
        def failed(error: Exception | None) -> None:
            problem = problem_of(error)
            metrics.FEED_RESTARTS.labels(self.account, channel.split(":")[0], problem.value).inc()
            if problem is FeedProblem.AUTH_REJECTED:
                self._auth(channel, refused=True)
            if on_failure:
                on_failure(error)

        around = self._around
        await keep_running(
            f"{self.account}:{channel}",
            child,
            stop=around.stop,
            clock=around.clock,
            backoff=around.cadence.backoff,
            on_failure=failed,
        )

    def _auth(self, channel: str, *, refused: bool) -> None:
        """A refused credential is everybody's problem: a market that can't be traded must not look healthy."""
        before = bool(self._auth_problems)
        (self._auth_problems.add if refused else self._auth_problems.discard)(channel)
        if bool(self._auth_problems) == before:
            return
        for slug, tracker in self._trackers.items():
            if tracker.state.account_problem in (FeedProblem.NONE, FeedProblem.AUTH_REJECTED):
                self._tell(slug, FeedProblem.AUTH_REJECTED if refused else FeedProblem.NONE)

    async def _follow_own(self, venue: Venue) -> None:
        """Own orders into the hot state, own fills into the inbox."""
        async with following(venue.stream_own()) as stream:
            async for item in stream:
                self._own_alive = True
                self._auth("own", refused=False)
                if isinstance(item, OwnOrder | OwnFill):
                    await self._own_event(item)
                elif isinstance(item, StreamReset):
                    self._poll_now.set()
                    self._orders_now.set()
                    await request_comparison(self._around.client, self.account, "reconnect")
                elif not isinstance(item, ProofOfLife):
                    log.warning("own_stream_garbage", account=self.account, kind=type(item).__name__)

    async def _own_event(self, item: OwnOrder | OwnFill) -> None:
        client, now_ns = self._around.client, self._around.clock.now_ns()
        if isinstance(item, OwnFill):
            self._own_trade(item.market, item.trade_id)
            await append_fill_async(client, raw_fill(item, self._markets, "stream", now_ns))
            self._balances_now.set()
        elif item.market not in self._markets.refs:
            log.error("own_order_on_unknown_market", account=self.account, market=item.market)
        else:
            await apply_venue_order(client, item.market, item, now_ns)
            if item.market in self._publishers:
                self._publishers[item.market].wake()

    def _own_failed(self, error: Exception | None) -> None:
        """What the stream would have told meanwhile is in the history."""
        self._own_alive = False
        self._poll_now.set()
        self._orders_now.set()

    def _own_trade(self, slug: str, trade_id: str) -> None:
        if slug in self._trackers:
            self._trackers[slug].state.on_own_trade(trade_id)

    async def _poll_history(self, history: HistoryPoll) -> None:
        cadence = self._around.cadence
        while True:
            self._poll_now.clear()
            await history.poll()
            self._auth("history", refused=False)
            await _wait(self._poll_now, cadence.history_s if self._own_alive else cadence.history_alone_s)

    async def _audit_orders(self, venue: Venue, slugs: Collection[str]) -> None:
        while True:
            self._orders_now.clear()
            await audit_orders(venue, slugs, self._around.client, self._around.clock)
            self._auth("orders", refused=False)
            await _wait(self._orders_now, self._around.cadence.history_s)

    async def _hear_requests(self) -> None:
        while True:
            reason = await pop_poll_request(self._around.client, self.account)
            if reason is not None:
                log.info("history_poll_requested", account=self.account, reason=reason[:80])
                self._poll_now.set()

    async def _poll_balances(self, venue: Venue) -> None:
        while True:
            self._balances_now.clear()
            await self._tell_rules()
            told = await venue.fetch_balances()
            assets = {one.asset: HotBalance(one.total, one.free) for one in told}
            positions = {one.market: one.q for one in await venue.fetch_positions()} if self._has_perpetuals else {}
            balances = HotBalances(self.account, self._around.clock.now_ns(), assets, positions)
            await write_balances(self._around.client, balances)
            self._auth("balances", refused=False)
            await _wait(self._balances_now, self._around.cadence.balances_s)

    async def _tell_rules(self) -> None:
        """Again and again: a Redis that lost its memory must know the markets' rules before anybody can quote."""
        for tracker in self._trackers.values():
            if tracker.info is not None:
                await write_market_info(self._around.client, self.account, tracker.info)

    async def _read_clock(self, venue: Venue) -> None:
        clock = self._around.clock
        while True:
            sent_ns = clock.now_ns()
            reading = read_clock(sent_ns, await venue.server_time_ns(), clock.now_ns())
            for tracker in self._trackers.values():
                tracker.state.clock = reading
            metrics.VENUE_CLOCK_SKEW_SECONDS.labels(self.account).set(reading.skew_ms / 1e3)
            await asyncio.sleep(self._around.cadence.clock_s)

    async def _read_funding_rates(self, venue: Venue, slugs: Sequence[str]) -> None:
        while True:
            for slug in slugs:
                self._trackers[slug].state.funding = await venue.fetch_funding_rate(slug)
            await asyncio.sleep(self._around.cadence.funding_rate_s)

    async def _look_for(self, missing: Sequence[str]) -> None:
        """Ask now and then whether the venue lists by now what it did not."""
        while True:
            await asyncio.sleep(self._around.cadence.missing_market_s)
            for slug in missing:
                try:
                    found = await self._is_listed(slug)
                except VenueError:
                    continue
                if found:
                    raise MissingMarketFound(slug)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass


async def _close(venue: Venue) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await venue.close()
    except (TimeoutError, VenueError, OSError) as problem:
        log.info("venue_not_closed", account=venue.account, problem=type(problem).__name__)
