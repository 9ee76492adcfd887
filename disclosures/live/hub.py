"""The hub of a web process: hears the live push once, makes each message once, and hands it to every public socket.

Nothing runs `LINGER_S` after the last socket left. What a client does not take waits, the newest of each market alone; who takes
nothing for `SLOW_AFTER_S` is dropped. While the feed or the database is away, pages are told that what they show is old.

The push also tells what the public may not see yet: a message that changes nothing public is not passed on, because its moment
would tell of a fill. Quiet markets are told again at moments of the hub's own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from django.db import connection

from dcmm_portal.live_sockets.outlet import TRY_AGAIN_LATER, Prepared
from dcmm_portal.push import PING_EVERY_S
from disclosures.jurisdictions.sockets import REFUSED_IN_JURISDICTION, refused_among
from disclosures.live import feed
from disclosures.live.listener import Listener
from disclosures.live.messages import PING, prepare, state
from disclosures.live.reading import Reading, public_form, read_on_thread, told_at_once
from trading.clock import Clock, SystemClock
from trading.metrics import LIVE_FANOUT_SECONDS, LIVE_FEED_LOST, SOCKETS_DROPPED
from trading.told_quotes import NotAStatus

log = structlog.get_logger(__name__)

SLOW_AFTER_S: Final = 10.0
LOOK_EVERY_S: Final = 1.0
# Between two handfuls of sockets the process does other work too: pages, new connections.
HANDFUL: Final = 250
# A reading is renewed once it is so old, and nothing is told on one that is older than the other.
READ_EVERY_S, READING_GOOD_S = 1.0, 5.0
# Messages come in bursts, one a market: reading begins when the burst is told, not in its middle.
READ_AFTER_S: Final = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
# A market of which nothing was told for the second is told again at every first.
REFRESH_EVERY_S, QUIET_AFTER_S = 2.0, 1.0
# Visitors who come and go one at a time make and end neither a subscription nor a database connection each.
LINGER_S: Final = 10.0
# What does not end when told to (a connection that hangs) is left behind after this time.
STOP_WITHIN_S: Final = 3.0
# Nobody has so many markets: somebody else writes into the channel.
MOST_MARKETS: Final = 1_000


class PublicHub:
    """One per event loop. `listen` yields the push's messages, `read` reads all markets on a thread."""

    def __init__(
        self,
        clock: Clock,
        listen: Callable[[], AsyncGenerator[dict[str, Any]]] = feed.messages,
        read: Callable[[], Reading] = read_on_thread,
        refused: Callable[[Iterable[tuple[str, ...]]], Awaitable[frozenset[tuple[str, ...]]]] = refused_among,
    ) -> None:
        self._clock, self._listen, self._read, self._refused = clock, listen, read, refused
        self._listeners: dict[Listener, None] = {}
        self._run = 0
        self._running: asyncio.Task[None] | None = None
        self._aside: dict[str, asyncio.Task[Any]] = {}
        self._executor: ThreadPoolExecutor | None = None
        self._waiting: dict[str, tuple[dict[str, Any], float]] = {}
        self._arrived = asyncio.Event()
        # These two outlive a run: who comes and goes asks a database that is away no more often.
        self._no_read_before_s, self._read_failures = float("-inf"), 0
        self._forget()

    def _forget(self) -> None:
        """Whatever is known of markets, as before the first run."""
        self._waiting.clear()
        self._reading: Reading | None = None
        self._read_s = float("-inf")
        self._forms: dict[str, dict[str, Any]] = {}
        self._formed_s: dict[str, float] = {}
        self._snapshots: dict[str, Prepared] = {}
        # By market: what was told to all of what is told at once, and when it was told last.
        self._told: dict[str, Any] = {}
        self._told_s: dict[str, float] = {}
        self._pinged_s = self._refreshed_s = self._alone_since_s = self._clock.monotonic_s()
        self._is_silent = self._owes_all = False
        self._is_unread = self._told_old = self._read_failures > 0

    # --- who listens --------------------------------------------------------------------------------------------------

    async def join(self, listener: Listener) -> None:
        """Tell a new socket every market, then all that follows. While nothing can be read it is told so, and all of it later."""
        listener.now_s = self._clock.monotonic_s
        self._listeners[listener] = None
        self._start()
        was_told_old = self._told_old
        if not await self._have_reading(READ_EVERY_S) and not self._forms:
            self._owes_all = True
        if listener not in self._listeners:
            return
        now_s = self._clock.monotonic_s()
        if was_told_old and self._told_old:
            listener.offer(state(is_old=True), now_s)
        for slug in self._forms:
            listener.offer(self._snapshot(slug), now_s)

    def leave(self, listener: Listener) -> None:
        """Forget a socket, known or not; `LINGER_S` after the last one everything that runs ends."""
        self._listeners.pop(listener, None)
        self._alone_since_s = self._clock.monotonic_s()

    async def close(self) -> None:
        """End everything that runs at once; the next socket starts it."""
        running = self._running
        self._end()
        if running is not None:
            await asyncio.wait([running])

    @property
    def is_old(self) -> bool:
        """What pages show may be old: the feed is silent although there are markets, or nothing can be read."""
        return self._is_unread or (self._is_silent and bool(self._forms))

    def _start(self) -> None:
        if self._running is not None:
            return
        self._run += 1
        self._forget()
        self._aside = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="public-live")
        self._running = asyncio.create_task(self._keep_running(self._run, self._executor, self._aside))

    def _end(self) -> None:
        running, self._running, self._executor = self._running, None, None
        self._run += 1
        if running is not None:
            running.cancel()

    async def _keep_running(self, run: int, executor: ThreadPoolExecutor, aside: dict[str, asyncio.Task[Any]]) -> None:
        """One run, until it is cancelled: by `_end`, or by a loop that closes."""
        works = (self._hear, self._tell_on, self._look_after)
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(work(run)) for work in works]
        try:
            await asyncio.wait(tasks)
        finally:
            # A cancel may be swallowed on its way (channels_redis' flush does): who looks at the number ends all the same.
            if self._run == run:
                self._end()
            try:
                tasks += aside.values()
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            finally:
                executor.submit(connection.close)
                executor.shutdown(wait=False)

    def _do_aside(self, name: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
        """Work of its own task, one of a name at a time: the one under way, or a new one."""
        if name not in self._aside or self._aside[name].done():
            self._aside[name] = asyncio.create_task(work())
        return self._aside[name]

    # --- hearing ------------------------------------------------------------------------------------------------------

    async def _hear(self, run: int) -> None:
        failures = 0
        while self._run == run:
            try:
                async with aclosing(self._listen()) as messages:
                    async for message in messages:
                        if self._run != run:
                            return
                        failures = 0
                        self._take(message)
            except Exception as problem:
                LIVE_FEED_LOST.labels(type(problem).__name__).inc()
                _warn("live_feed_lost", problem)
            if self._run != run:
                return
            self._is_silent = True
            self._tell_state()
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
            failures += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))

    def _take(self, message: Any) -> None:
        """Keep a message until it is told, in the place of an older one of its market."""
        slug = message.get("market") if isinstance(message, dict) else None
        if not isinstance(slug, str) or (slug not in self._waiting and len(self._waiting) >= MOST_MARKETS):
            return
        if self._is_silent:
            self._owes_all, self._is_silent = True, False
            self._tell_state()
        since_s = self._waiting.pop(slug, (None, self._clock.monotonic_s()))[1]
        self._waiting[slug] = (message, since_s)
        self._arrived.set()

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _tell_on(self, run: int) -> None:
        while self._run == run:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, {}
            try:
                await self._tell(waiting)
            except Exception as problem:
                _warn("live_telling_failed", problem)

    async def _tell(self, waiting: dict[str, tuple[dict[str, Any], float]]) -> None:
        known = self._reading is not None and all(slug in self._reading.forms for slug in waiting)
        good_s = 0.0 if self._owes_all else READING_GOOD_S if known else READ_EVERY_S
        if not await self._have_reading(good_s):
            self._owes_all = True
            return
        if self._owes_all:
            await self._make_good()
        for slug, (message, since_s) in waiting.items():
            if (prepared := self._form(slug, message)) is not None:
                await self._fan_out(prepared)
                LIVE_FANOUT_SECONDS.observe(max(0.0, self._clock.monotonic_s() - since_s))
        if self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            asyncio.get_running_loop().call_later(READ_AFTER_S, self._renew_if_running)

    async def _make_good(self) -> None:
        """Tell all markets again; owed until all were told."""
        self._owes_all = False
        try:
            await self._tell_again(tuple(self._forms), self._snapshot)
        except BaseException:
            self._owes_all = True
            raise

    async def refresh(self) -> None:
        """Tell the quiet markets again, as they are now: their ages, and what time alone changed."""
        if not await self._have_reading(READ_EVERY_S) or self.is_old:
            return
        before_s = self._clock.monotonic_s() - QUIET_AFTER_S
        quiet = [slug for slug in self._forms if self._told_s.get(slug, before_s) <= before_s]
        await self._tell_again(quiet, lambda slug: prepare("market", slug, self._forms[slug]))

    async def _tell_again(self, slugs: Iterable[str], made: Callable[[str], Prepared]) -> None:
        for slug in slugs:
            # A reading meanwhile may have found it gone.
            if slug in self._forms:
                self._note_told(slug)
                await self._fan_out(made(slug))

    def _note_told(self, slug: str) -> None:
        assert self._reading is not None
        self._told[slug] = told_at_once(self._forms[slug], self._reading.basis)
        self._told_s[slug] = self._clock.monotonic_s()

    def _form(self, slug: str, message: dict[str, Any]) -> Prepared | None:
        """A market's message, made once for all sockets; None if it is not ours or changes nothing told at once."""
        reading = self._reading
        if reading is None or slug not in reading.forms:
            return None
        try:
            form = public_form(message["status"], reading.basis)
        except (NotAStatus, KeyError, TypeError) as problem:
            log.warning("live_message_refused", market=slug[:100], problem=str(problem)[:200])
            return None
        if form["slug"] != slug:
            return None
        self._forms[slug], self._formed_s[slug] = form, self._clock.monotonic_s()
        self._snapshots.pop(slug, None)
        if self._told.get(slug) == told_at_once(form, reading.basis):
            return None
        self._note_told(slug)
        return prepare("market", slug, form)

    def _snapshot(self, slug: str) -> Prepared:
        if slug not in self._snapshots:
            self._snapshots[slug] = prepare("snapshot", slug, self._forms[slug])
        return self._snapshots[slug]

    async def _fan_out(self, message: Prepared) -> None:
        now_s = self._clock.monotonic_s()
        for count, listener in enumerate(tuple(self._listeners), 1):
            listener.offer(message, now_s)
            if count % HANDFUL == 0:
                await asyncio.sleep(0)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _have_reading(self, good_s: float) -> bool:
        """Whether there is a reading not older than `good_s`; reads where there is none. Those who wait share one reading."""
        if self._clock.monotonic_s() - self._read_s < good_s:
            return True
        return await asyncio.shield(self._do_aside("read", self._read_all))

    def _renew_if_running(self) -> None:
        if self._running and self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            self._do_aside("read", self._read_all)

    async def _read_all(self) -> bool:
        """False if it failed, or would be too soon after one that did."""
        began_s, run = self._clock.monotonic_s(), self._run
        if began_s < self._no_read_before_s:
            return False
        try:
            reading = await asyncio.get_running_loop().run_in_executor(self._executor, self._read)
        except Exception as problem:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._read_failures, 10))
            self._read_failures += 1
            self._no_read_before_s = self._clock.monotonic_s() + pause_s
            self._owes_all = self._is_unread = True
            _warn("live_reading_failed", problem)
            self._tell_state()
            return False
        if self._run != run:
            return False
        self._read_failures, self._is_unread = 0, False
        # What a message told while this was read is newer.
        newer = {
            slug: self._forms[slug] for slug, at_s in self._formed_s.items() if at_s > began_s and slug in reading.forms
        }
        self._reading, self._read_s = reading, began_s
        self._forms, self._snapshots = dict(reading.forms) | newer, {}
        self._tell_state()
        return True

    def _tell_state(self) -> None:
        """Tell everybody when figures became old, or live again."""
        if self.is_old == self._told_old:
            return
        self._told_old = self.is_old
        message, now_s = state(is_old=self.is_old), self._clock.monotonic_s()
        for listener in tuple(self._listeners):
            listener.offer(message, now_s)

    async def _look_after(self, run: int) -> None:
        while self._run == run:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception as problem:
                _warn("live_look_failed", problem)

    async def look(self) -> None:
        """What is due now. Waits for neither the database nor a client."""
        now_s = self._clock.monotonic_s()
        if not self._listeners and now_s - self._alone_since_s >= LINGER_S:
            self._end()
            return
        self.drop_slow()
        if now_s - self._pinged_s >= PING_EVERY_S:
            self._pinged_s = now_s
            await self._fan_out(PING)
            self._do_aside("rules", self.drop_refused)
        if now_s - self._refreshed_s >= REFRESH_EVERY_S:
            self._refreshed_s = now_s
            self._do_aside("refresh", self.refresh)
        if self._owes_all:
            self._arrived.set()

    async def drop_refused(self) -> int:
        """Drop whoever is where a rule that came meanwhile refuses figures; how many. Nobody, while rules cannot be read."""
        try:
            refused = await self._refused({listener.countries for listener in self._listeners})
        except Exception as problem:
            _warn("live_rules_unknown", problem)
            return 0
        return self._drop([one for one in self._listeners if one.countries in refused], REFUSED_IN_JURISDICTION)

    def drop_slow(self) -> int:
        """Drop whoever has taken nothing for `SLOW_AFTER_S`; how many."""
        before_s = self._clock.monotonic_s() - SLOW_AFTER_S
        slow = [one for one in self._listeners if one.late_since_s is not None and one.late_since_s <= before_s]
        SOCKETS_DROPPED.inc(len(slow))
        return self._drop(slow, TRY_AGAIN_LATER)

    def _drop(self, listeners: list[Listener], code: int) -> int:
        for listener in listeners:
            self.leave(listener)
            listener.drop(code)
        return len(listeners)


def _warn(event: str, problem: Exception) -> None:
    log.warning(event, problem=type(problem).__name__, detail=str(problem)[:200])


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, PublicHub] = WeakKeyDictionary()


def public_hub() -> PublicHub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = PublicHub(SystemClock())
    return _hubs[loop]
