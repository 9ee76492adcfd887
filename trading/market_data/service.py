"""The market data service: every active market's feed into the hot state, own fills into the inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from trading.clock import Clock, to_datetime
from trading.hot_state.market import HotClient, beat
from trading.market_data.account_session import AccountSession, OpenVenue, Surroundings
from trading.market_data.cadence import Cadence
from trading.market_data.database import DatabaseThread, committed_cursor, minute_of
from trading.market_data.publisher import MarketPublisher
from trading.market_data.recorder import RecorderPolicy
from trading.market_data.reference import Candidate
from trading.market_data.rules import changed_rules
from trading.market_data.supervision import keep_running, pause
from trading.market_data.tracker import MarketTracker, Moment
from trading.market_data.volatility_store import last_volatility, persist_volatility
from trading.registry.selectors import MarketRef, active_markets, known_markets

log = structlog.get_logger(__name__)
PROCESS = "market_data"
NO_MARKETS_RETRY_S = 2.0


class MarketsChanged(Exception):
    """Another set of markets is active: everything is set up anew."""


class MarketDataService:
    """`run` serves until its stop event is set; whatever fails inside is started again."""

    def __init__(
        self,
        client: HotClient,
        clock: Clock,
        open_venue: OpenVenue,
        cadence: Cadence | None = None,
        recorder: RecorderPolicy | None = None,
    ) -> None:
        self._client, self._clock, self._open_venue = client, clock, open_venue
        self._cadence = cadence or Cadence()
        self._recorder = recorder
        self._database = DatabaseThread()
        self._trackers: dict[str, MarketTracker] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; then let go of everything within two seconds."""
        serving = asyncio.create_task(self._serve(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, stopping):
                task.cancel()
            done, late = await asyncio.wait({serving, stopping}, timeout=self._cadence.stop_s)
            if late:
                log.error("stopped_without_waiting", tasks=len(late))
            self._database.close()
        if serving in done and not serving.cancelled() and (error := serving.exception()):
            raise error

    async def _serve(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep("heartbeat", self._beat, stop))
            group.create_task(self._keep("markets", lambda: self._serve_markets(stop), stop))

    async def _keep(self, name: str, child: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        await keep_running(
            name,
            child,
            stop=stop,
            clock=self._clock,
            backoff=self._cadence.backoff,
            on_failure=lambda error: None,
        )

    async def _beat(self) -> None:
        while True:
            await beat(self._client, PROCESS, self._clock.now_ns())
            await asyncio.sleep(self._cadence.heartbeat_s)

    # --- one set of markets -----------------------------------------------------------------------------------------------

    async def _serve_markets(self, stop: asyncio.Event) -> None:
        refs = await self._load_markets(stop)
        await self._set_up(refs)
        publishers = {
            slug: MarketPublisher(tracker, self._client, self._clock, self._cadence, self._others)
            for slug, tracker in self._trackers.items()
        }
        around = Surroundings(
            client=self._client,
            clock=self._clock,
            cadence=self._cadence,
            open_venue=self._open_venue,
            read_cursor=self._read_cursor,
            recorder=self._recorder,
            stop=stop,
            known=await self._database.run(known_markets),
        )
        accounts = sorted({ref.account for ref in refs})
        log.info("market_data_serves", markets=[ref.slug for ref in refs], accounts=accounts)
        async with asyncio.TaskGroup() as group:
            for slug, publisher in publishers.items():
                group.create_task(self._keep(f"publish:{slug}", publisher.run, stop))
            for account in accounts:
                group.create_task(self._run_account(account, publishers, around))
            group.create_task(self._keep("rules", partial(self._refresh_rules, publishers), stop))
            group.create_task(self._keep("volatility", self._persist_minutes, stop))
            group.create_task(self._watch_markets(refs))

    async def _run_account(self, account: str, publishers: dict[str, MarketPublisher], around: Surroundings) -> None:
        trackers = {slug: one for slug, one in self._trackers.items() if one.ref.account == account}
        session = AccountSession(account, trackers, publishers, around)
        await keep_running(
            f"session:{account}",
            session.run,
            stop=around.stop,
            clock=self._clock,
            backoff=self._cadence.backoff,
            on_failure=session.failed,
        )

    async def _load_markets(self, stop: asyncio.Event) -> tuple[MarketRef, ...]:
        told = False
        while not (refs := await self._database.run(active_markets)):
            if not told:
                log.warning("no_active_markets", hint="run: manage.py bootstrap demo")
            told = True
            await pause(stop, NO_MARKETS_RETRY_S)
        return refs

    async def _set_up(self, refs: Sequence[MarketRef]) -> None:
        """A tracker per market, with the parameters in force and the volatility last measured."""
        ids = [ref.id for ref in refs]
        now = to_datetime(self._clock.now_ns())
        rules = await self._database.run(lambda: changed_rules({}, ids))
        stored = await self._database.run(lambda: last_volatility(ids, now))
        self._trackers = {ref.slug: MarketTracker(ref, rules.get(ref.id), stored.get(ref.id)) for ref in refs}
        for tracker in self._trackers.values():
            if tracker.rules is None:
                log.error("no_parameters", market=tracker.ref.slug, hint="run: manage.py bootstrap demo")

    def _others(self, tracker: MarketTracker, now: Moment) -> list[Candidate]:
        """What markets of the same two assets and kind offer as a fallback: a perpetual's price is not the asset's."""
        pair = (tracker.ref.base, tracker.ref.quote, tracker.ref.instrument)
        offers = (
            other.as_candidate(now)
            for other in self._trackers.values()
            if other is not tracker and (other.ref.base, other.ref.quote, other.ref.instrument) == pair
        )
        return [offer for offer in offers if offer is not None]

    async def _read_cursor(self, account: str, channel: str) -> str:
        return await self._database.run(lambda: committed_cursor(account, channel))

    # --- the database, now and then ---------------------------------------------------------------------------------------

    async def _refresh_rules(self, publishers: dict[str, MarketPublisher]) -> None:
        by_id = {tracker.ref.id: tracker for tracker in self._trackers.values()}
        while True:
            known = {market_id: one.rules.version for market_id, one in by_id.items() if one.rules}
            for market_id, rules in (await self._database.run(partial(changed_rules, known, by_id))).items():
                by_id[market_id].use(rules)
                publishers[by_id[market_id].ref.slug].wake()
                log.info("rules_in_force", market=by_id[market_id].ref.slug, version=rules.version)
            await asyncio.sleep(self._cadence.rules_s)

    async def _watch_markets(self, refs: Sequence[MarketRef]) -> None:
        """A market that became active, inactive or another one ends this set-up."""
        while True:
            await asyncio.sleep(self._cadence.rules_s)
            try:
                now = await self._database.run(active_markets)
            except Exception as problem:
                log.warning("markets_not_read", problem=type(problem).__name__)
                continue
            if now != tuple(refs):
                raise MarketsChanged

    async def _persist_minutes(self) -> None:
        """One snapshot a minute, of its end; a minute that is already there stays."""
        last = minute_of(to_datetime(self._clock.now_ns()))
        while True:
            await asyncio.sleep(self._cadence.heartbeat_s)
            now = to_datetime(self._clock.now_ns())
            if minute_of(now) == last:
                continue
            measured = {one.ref.id: one.grid.volatility for one in self._trackers.values() if one.grid}
            await self._database.run(partial(persist_volatility, measured, now))
            last = minute_of(now)
